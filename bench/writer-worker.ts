import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { Writer, type WriterOptions } from '../drills/writer.ts';

/** What a writer in a thread is asked for; `look` only for its figures. */
export type Act = 'start' | 'slowDown' | 'forgetStalls' | 'stop' | 'look';

export type WriterFigures = Pick<
  Writer,
  'refusedAt' | 'ackedWrites' | 'firstAckAt' | 'unansweredWrites' | 'maxWriteStallMs' | 'maxSilenceMs'
>;

export type Answer = WriterFigures | { problem: string };

const port = parentPort as MessagePort;
const writer = new Writer(workerData as WriterOptions);

port.on('message', async (act: Act) => {
  try {
    if (act !== 'look') await writer[act]();
    const { refusedAt, ackedWrites, firstAckAt, unansweredWrites, maxWriteStallMs, maxSilenceMs } = writer;
    port.postMessage({ refusedAt, ackedWrites, firstAckAt, unansweredWrites, maxWriteStallMs, maxSilenceMs });
  } catch (error) {
    port.postMessage({ problem: error instanceof Error ? error.message : String(error) });
  }
});
