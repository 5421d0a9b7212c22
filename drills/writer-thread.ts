import { extname, join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { EtcdUnavailable } from '../core/errors.ts';
import type { WriterOptions } from './writer.ts';
import type { Act, Answer, AnswerTo } from './writer-worker.ts';

const WORKER = join(import.meta.dirname, `writer-worker${extname(import.meta.filename)}`);

interface Waiting {
  resolve(value: AnswerTo<Act>): void;
  reject(error: Error): void;
}

/**
 * A writer in a thread of its own. Embedded, a runbook is interpreted in this process: what that computes would delay the writes and their
 * answers as well, and count as a stall of etcd.
 */
export class WriterThread {
  readonly #worker: Worker;
  /** Answers come in the order of what was asked: one thing is asked after the other. */
  readonly #waiting: Waiting[] = [];
  /** What has ended the thread before its time. */
  #failure: Error | undefined;

  constructor(options: WriterOptions) {
    this.#worker = new Worker(WORKER, { workerData: options });
    this.#worker.on('message', (answer: Answer) => {
      const waiting = this.#waiting.shift();
      if ('value' in answer) waiting?.resolve(answer.value);
      else waiting?.reject(answer.isOutage ? new EtcdUnavailable(answer.problem) : new Error(answer.problem));
    });
    this.#worker.on('error', (error: Error) => {
      this.#failure = error;
      for (const { reject } of this.#waiting.splice(0)) reject(error);
    });
  }

  /** Does what a writer's method of this name does. @returns what that returns, or what was measured when it is done */
  ask<Asked extends Act>(act: Asked): Promise<AnswerTo<Asked>> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve: (value) => resolve(value as AnswerTo<Asked>), reject });
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
