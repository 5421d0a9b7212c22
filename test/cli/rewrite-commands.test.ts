import { expect, it } from 'vitest';
import { rewriteCommands } from '../../cli/rewrite-commands.ts';

const FILES = { config: 'clusters.json', secrets: 'my secrets.json' };
const API = { url: 'http://127.0.0.1:8080', header: '/tmp/x/authorization' };
const CURL = 'curl -H @/tmp/x/authorization';
const ARN = 'arn:aws:states:local:000000000000:execution:etcd-remediation:orders-1f';

it.each([
  ['the ID of an execution for its ARN', `could not be remediated (${ARN})`, 'could not be remediated (orders-1f)'],
  [
    'nothing for the ARN of a runbook, of which nobody can be asked here',
    `Nothing was changed. (${ARN.replace('etcd-remediation:', 'etcd-remediation-space-reclaim:')})`,
    'Nothing was changed.',
  ],
  [
    'a request to the API for a command that approves',
    'To let it: npx --no etcd-remediation approve orders-1f\nTo end it: npx --no etcd-remediation reject orders-1f --reason WHY\n',
    `To let it: ${CURL} -d '{"approval":"N","decision":"approve"}' http://127.0.0.1:8080/remediations/orders-1f/approval\n` +
      `N is the number of the question, "approval": {"id": ...} in: ${CURL} http://127.0.0.1:8080/remediations/orders-1f\n` +
      `To end it: ${CURL} -d '{"approval":"N","decision":"reject","reason":"WHY"}' http://127.0.0.1:8080/remediations/orders-1f/approval\n`,
  ],
  [
    'no address of a console',
    `It ended.\n\nExecution: https://console.aws.amazon.com/states/home?region=local#/v2/executions/details/${ARN}\nReport: https://x/y.html`,
    'It ended.',
  ],
  [
    'requests to the API for commands that read and that start',
    'Read: npx --no etcd-remediation status orders-1f\nGo on: npx --no etcd-remediation start orders --watch',
    `Read: ${CURL} http://127.0.0.1:8080/remediations/orders-1f\nGo on: ${CURL} -d '{"cluster":"orders"}' http://127.0.0.1:8080/remediations`,
  ],
  [
    'a diagnosis from here for one of what is deployed',
    'Look with npx --no etcd-remediation diagnose orders --deployed, and start one.',
    "Look with npx --no etcd-remediation diagnose orders --config clusters.json --secrets 'my secrets.json', and start one.",
  ],
  [
    'a request for a list of what runs',
    'See what runs with npx --no etcd-remediation clusters, and start',
    `See what runs with ${CURL} http://127.0.0.1:8080/clusters, and start`,
  ],
  ['everything else as it is', 'See docs/runbooks.md: arn:aws:s3:::b/k', 'See docs/runbooks.md: arn:aws:s3:::b/k'],
])('where it runs on this machine a page has %s', (_, text, here) => {
  expect(rewriteCommands(text, { files: FILES, api: API })).toBe(here);
});

it('names no request where no API is served', () => {
  const said = rewriteCommands(
    'npx --no etcd-remediation approve a\nnpx --no etcd-remediation reject a --reason WHY\nnpx --no etcd-remediation clusters\nnpx --no etcd-remediation status a\nnpx --no etcd-remediation start b --watch',
    {
      files: { config: 'clusters.json' },
    },
  );
  expect(said).toBe(
    'npx --no etcd-remediation run --config clusters.json --approve\nCtrl-C\nnpx --no etcd-remediation diagnose --config clusters.json\n' +
      'npx --no etcd-remediation report a\nnpx --no etcd-remediation run b --config clusters.json',
  );
});
