import { type FileFlags, typedFiles } from './files.ts';
import { typed } from './format.ts';

/** What stands for AWS where it runs on this machine. */
export interface Here {
  files: FileFlags;
  /** Where the API is served, and the file that holds the header for it; undefined if it is not served. */
  api?: { url: string; header: string };
}

const OF_REMEDIATION = /arn:[\w-]+:states:[^\s:]*:[^\s:]*:execution:etcd-remediation:([\w-]+)/g;
/** Behind what a runbook has ended with. Its steps are in the same output here, and its ARN leads nowhere. */
const OF_RUNBOOK = / ?\(arn:[\w-]+:states:[^\s:]*:[^\s:]*:execution:etcd-remediation-[\w-]+:[\w-]+\)/g;

/** Of AWS's console. */
const OF_CONSOLE = /\n*(Execution|Report|Alarm): https:\/\/\S+/g;

/**
 * Workflows write for readers with AWS: with the ARN of an execution, and commands for what is deployed. Where they run on this machine,
 * the ID does, and commands that work here stand in their place.
 */
export function rewriteCommands(text: string, { files, api }: Here): string {
  const curl = (path: string, body?: object) =>
    api ? `curl -H @${api.header}${body ? ` -d '${JSON.stringify(body)}'` : ''} ${api.url}${path}` : '';
  const answer = (id: string, decision: object) => curl(`/remediations/${id}/approval`, { approval: 'N', ...decision });
  const about = typedFiles(files);
  return text
    .replaceAll(OF_CONSOLE, '')
    .replaceAll(OF_REMEDIATION, '$1')
    .replaceAll(OF_RUNBOOK, '')
    .replaceAll(/npx --no etcd-remediation approve (\S+)/g, (_, id) =>
      api
        ? `${answer(id, { decision: 'approve' })}\nN is the number of the question, "approval": {"id": ...} in: ${curl(`/remediations/${id}`)}`
        : typed('run', ...about, '--approve'),
    )
    .replaceAll(/npx --no etcd-remediation reject (\S+) --reason WHY/g, (_, id) =>
      api ? answer(id, { decision: 'reject', reason: 'WHY' }) : 'Ctrl-C',
    )
    .replaceAll(/npx --no etcd-remediation diagnose ([\w-]+) --deployed/g, (_, cluster) =>
      typed('diagnose', cluster, ...about),
    )
    .replaceAll(
      /npx --no etcd-remediation status (\S+)/g,
      (_, id) => curl(`/remediations/${id}`) || typed('report', id),
    )
    .replaceAll(/npx --no etcd-remediation start (\S+) --watch/g, (_, cluster) =>
      api ? curl('/remediations', { cluster }) : typed('run', cluster, ...about),
    )
    .replaceAll(/npx --no etcd-remediation clusters\b/g, curl('/clusters') || typed('diagnose', ...about));
}
