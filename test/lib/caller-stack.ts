import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { Function as LambdaFunction } from 'aws-cdk-lib/aws-lambda';
import { Logs } from '../../lib/logs.ts';
import { RemediationApi } from '../../lib/triggers/api.ts';
import { StartAutomation } from '../../lib/triggers/automation.ts';
import { ROOT } from './stacks.ts';

const STATE_MACHINE = 'arn:aws:states:eu-central-1:123456789012:stateMachine:etcd-remediation';
const DIAGNOSE = 'arn:aws:lambda:eu-central-1:123456789012:function:diagnose';
const BACKUPS = 'arn:aws:lambda:eu-central-1:123456789012:function:backups';

/** What starts remediations from outside, in a stack of its own. */
export function synthesizeCallers(): Template {
  const directory = mkdtempSync(join(tmpdir(), 'callers-test-'));
  try {
    const bundle = join(directory, 'api');
    mkdirSync(bundle);
    writeFileSync(join(bundle, 'index.cjs'), '');
    const { context } = JSON.parse(readFileSync(join(ROOT, 'cdk.json'), 'utf8'));
    const app = new App({ outdir: join(directory, 'cdk.out'), context, builtinCloudFormationValidation: false });
    const stack = new Stack(app, 'Callers');
    new Logs(stack);
    new RemediationApi(stack, 'api', {
      bundle,
      stateMachineArn: STATE_MACHINE,
      table: Table.fromTableName(stack, 'Table', 'remediations'),
      diagnoseFunction: LambdaFunction.fromFunctionArn(stack, 'Diagnose', DIAGNOSE),
      backupsFunction: LambdaFunction.fromFunctionArn(stack, 'Backups', BACKUPS),
      reports: 's3://reports/remediations/',
    });
    new StartAutomation(stack, 'Automation', { stateMachineArn: STATE_MACHINE });
    return Template.fromJSON(app.synth().getStackByName('Callers').template);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
