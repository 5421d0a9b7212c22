import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { EtcdUnavailable } from '../core/errors.ts';
import { Writer, type WriterOptions } from './writer.ts';

const port = parentPort as MessagePort;
const writer = new Writer(workerData as WriterOptions);

/** What a writer in a thread may be asked for, and what it answers; `look` only for its figures. */
const ACTS = {
  start: () => {
    writer.start();
    return figures();
  },
  slowDown: () => {
    writer.slowDown();
    return figures();
  },
  forgetStalls: () => {
    writer.forgetStalls();
    return figures();
  },
  stop: async () => {
    await writer.stop();
    return figures();
  },
  look: figures,
  acknowledged: () => writer.acknowledged,
};

export type Act = keyof typeof ACTS;
export type AnswerTo<Asked extends Act> = Awaited<ReturnType<(typeof ACTS)[Asked]>>;
export type WriterFigures = AnswerTo<'look'>;
export type Answer = { value: AnswerTo<Act> } | { problem: string; isOutage: boolean };

function figures() {
  const { refusedAt, ackedWrites, firstAckAt, unansweredWrites } = writer;
  const { maxWriteStallMs, maxSilenceMs, maxWaitMs, slices } = writer;
  return {
    ...{ refusedAt, ackedWrites, firstAckAt, unansweredWrites },
    ...{ maxWriteStallMs, maxSilenceMs, maxWaitMs, slices },
  };
}

port.on('message', async (act: Act) => {
  port.postMessage(await answerTo(act));
});

async function answerTo(act: Act): Promise<Answer> {
  try {
    return { value: await ACTS[act]() };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { problem, isOutage: error instanceof EtcdUnavailable };
  }
}
