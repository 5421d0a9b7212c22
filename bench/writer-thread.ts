import { Worker } from 'node:worker_threads';
import type { WriterOptions } from '../drills/writer.ts';
import type { Act, Answer, WriterFigures } from './writer-worker.ts';

interface Waiting {
  resolve(figures: WriterFigures): void;
  reject(error: Error): void;
}

/**
 * A writer in a thread of its own. Embedded, a runbook is interpreted in this process: what that computes would delay the writes and their
 * answers as well, and count as a stall of etcd.
 */
export class WriterThread {
  readonly #worker: Worker;
  /** Answers come in the order of what was asked. */
  readonly #waiting: Waiting[] = [];
  /** What has ended the thread before its time. */
  #failure: Error | undefined;

  constructor(options: WriterOptions) {
    this.#worker = new Worker(new URL('./writer-worker.ts', import.meta.url), { workerData: options });
    this.#worker.on('message', (answer: Answer) => {
      const waiting = this.#waiting.shift();
      if ('problem' in answer) waiting?.reject(new Error(answer.problem));
      else waiting?.resolve(answer);
    });
    this.#worker.on('error', (error: Error) => {
      this.#failure = error;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** Does what a writer's method of this name does. @returns what it has measured when that is done */
  ask(act: Act): Promise<WriterFigures> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject });
      this.#worker.postMessage(act);
    });
  }

  /** Ends the writing and the thread. @throws what was no outage */
  async end(): Promise<void> {
    try {
      await this.ask('stop');
    } finally {
      await this.#worker.terminate();
    }
  }
}
