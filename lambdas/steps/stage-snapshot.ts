import { type StagedUpload, stageSnapshotInput } from '../../core/quorum-recovery/contracts.ts';
import { parse } from '../../core/text/parse.ts';
import { beginUpload, completeUpload, discardUpload } from '../staging/upload.ts';

/** Begins, completes or discards the upload of a snapshot into the staging bucket; the hosts send its parts. */
export async function handler(event: unknown): Promise<StagedUpload> {
  const input = parse(stageSnapshotInput, event, "The step's input");
  const { key } = input;
  switch (input.action) {
    case 'Begin':
      return { key, uploadId: await beginUpload(key) };
    case 'Complete':
      await completeUpload(key, input.uploadId, input.parts);
      return { key, uploadId: input.uploadId };
    case 'Discard':
      await discardUpload(key, input.uploadId);
      return { key, uploadId: '' };
  }
}
