import {
  type StagedUpload,
  type StageSnapshot,
  stageSnapshotInput,
} from '../../core/quorum-recovery/staging-contracts.ts';
import { summarizeUpload } from '../../core/quorum-recovery/summaries.ts';
import { parse } from '../../core/text/parse.ts';
import { beginUpload, completeUpload, discardUpload } from '../staging/upload.ts';

/** Begins, completes or discards the upload of a snapshot into the staging bucket; the hosts send its parts. */
export async function handler(event: unknown): Promise<StagedUpload> {
  const input = parse(stageSnapshotInput, event, "The step's input");
  return { key: input.key, uploadId: await stage(input), summary: summarizeUpload(input) };
}

/** @returns the ID of the upload; empty where it is none any more */
async function stage(input: StageSnapshot): Promise<string> {
  const { key } = input;
  switch (input.action) {
    case 'Begin':
      return beginUpload(key);
    case 'Complete':
      await completeUpload(key, input.uploadId, input.parts);
      return input.uploadId;
    case 'Discard':
      await discardUpload(key, input.uploadId);
      return '';
  }
}
