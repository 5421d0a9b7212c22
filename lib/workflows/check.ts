import { Pass, type StateMachine, Succeed } from 'aws-cdk-lib/aws-stepfunctions';
import { Duration } from 'aws-cdk-lib/core';
import { Construct } from 'constructs';
import { CHECK_STATE_MACHINE } from '../../core/diagnosis/check.ts';
import type { Step } from '../step-function.ts';
import { REACHED, REPORTS, reportFromEveryHost, withObject } from './parts/on-every-host.ts';
import { runbookStateMachine } from './parts/runbook-state-machine.ts';
import { raiseAgain, stepState } from './parts/step-state.ts';

export interface CheckSteps {
  loadRemediation: Step;
  diagnoseCluster: Step;
  surveyCluster: Step;
  listBackups: Step;
  tryBackups: Step;
  transferSnapshots: Step;
  weighCheck: Step;
}

/**
 * The check: everything that a remediation will rest on, looked at on a quiet day. It takes no lock, for it changes nothing.
 *
 * 1. Load the cluster's configuration.
 * 2. Diagnose it, as a remediation does first.
 * 3. Survey what else there is: secrets, certificates, sizes, backups, and whether one could be written.
 * 4. Inspect every host, as the runbooks that work on hosts do before they plan: each asks the staging bucket once.
 * 5. Weigh all of it: a line for each finding, and for what is well.
 *
 * Invariant: no step of it changes anything, neither in etcd nor on a host.
 */
export class Check extends Construct {
  readonly stateMachine: StateMachine;

  constructor(scope: Construct, id: string, steps: CheckSteps) {
    super(scope, id);
    const stop = raiseAgain(this, 'Stop with the error');
    const start = stepState(this, 'Load cluster', {
      step: steps.loadRemediation,
      input: {
        execution: '{% $states.context.Execution.Name %}',
        input: '{% {"cluster": $states.input.cluster} %}',
      },
      assign: { cluster: '{% $states.result.Payload.cluster %}', diagnosis: null, undiagnosed: '' },
      onError: stop,
    });
    const noDiagnosis = Pass.jsonata(this, 'Record that there is no diagnosis', {
      comment: 'Why not is a finding; the rest is looked at all the same',
      outputs: {},
      assign: { undiagnosed: "{% $states.input.error & ': ' & $states.input.cause %}" },
    });
    const diagnose = stepState(this, 'Diagnose cluster', {
      step: steps.diagnoseCluster,
      input: { cluster: '{% $cluster.name %}' },
      assign: { diagnosis: '{% $states.result.Payload %}' },
      onError: noDiagnosis,
    });
    const survey = stepState(this, 'Survey cluster', {
      step: steps.surveyCluster,
      input: { cluster: '{% $cluster %}' },
      assign: {
        survey: '{% $states.result.Payload.survey %}',
        inspections: '{% [$states.result.Payload.inspections] %}',
      },
      onError: stop,
    });
    const backups = stepState(this, 'List backups', {
      step: steps.listBackups,
      input: { cluster: '{% $cluster %}' },
      assign: { backups: '{% $states.result.Payload.backups %}' },
      onError: stop,
    });
    const tryBackups = stepState(this, 'Try to write a backup', {
      comment: 'Begins an upload, and ends it at once',
      step: steps.tryBackups,
      input: { cluster: '{% $cluster %}' },
      assign: { unwritable: '{% $states.result.Payload.problem %}' },
      onError: stop,
    });
    const inspect = reportFromEveryHost(this, 'Inspect every host', {
      step: steps.transferSnapshots,
      command: 'inspect-host',
      commands: withObject('$inspections', REACHED),
      atOnce: 5,
      assign: { inspected: `{% [${REPORTS}] %}` },
      onError: stop,
    });
    const weigh = stepState(this, 'Evaluate the check', {
      step: steps.weighCheck,
      input: {
        cluster: '{% $cluster %}',
        diagnosis: '{% $diagnosis %}',
        undiagnosed: '{% $undiagnosed %}',
        survey: '{% $survey %}',
        backups: '{% $backups %}',
        unwritable: '{% $unwritable %}',
        inspected: '{% [$inspected] %}',
      },
      onError: stop,
    });
    const checked = Succeed.jsonata(this, 'All was looked at', {
      outputs: {
        outcome: '{% $states.input.outcome %}',
        cluster: '{% $states.input.cluster %}',
        summary: '{% $states.input.summary %}',
        findings: '{% [$states.input.findings] %}',
        well: '{% [$states.input.well] %}',
        unchecked: '{% [$states.input.unchecked] %}',
        certificates: '{% [$states.input.certificates] %}',
      },
    });
    noDiagnosis.next(survey);
    this.stateMachine = runbookStateMachine(this, {
      name: CHECK_STATE_MACHINE,
      comment:
        'Checks what a remediation of an etcd cluster will rest on, and changes nothing. Start it with {"cluster":"orders"}',
      start: start.next(diagnose).next(survey).next(backups).next(tryBackups).next(inspect).next(weigh).next(checked),
      timeout: Duration.minutes(30),
      steps: Object.values(steps),
    });
  }
}
