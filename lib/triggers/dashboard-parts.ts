import type { IWidget, YAxisProps } from 'aws-cdk-lib/aws-cloudwatch';
import { ArnFormat, Duration, Stack } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';
import { ENTRY_STATE_MACHINE } from '../../core/text/names.ts';
import { consoleAddress } from '../console.ts';
import { named } from '../names.ts';

/** CloudWatch's grid. */
export const WIDTH = 24;
export const FROM_ZERO: YAxisProps = { min: 0, showUnits: false };
/** Of what happens a few times a day. */
export const RARE = Duration.minutes(5);

/** Widgets of the same width, side by side. */
export function row(...widgets: ((width: number) => IWidget)[]): IWidget[] {
  return widgets.map((make) => make(WIDTH / widgets.length));
}

/** By its name: what a dashboard shows need not be of the same stack. */
export function arnOf(scope: Construct, stateMachineName: string): string {
  return Stack.of(scope).formatArn({
    service: 'states',
    resource: 'stateMachine',
    resourceName: named(scope, stateMachineName),
    arnFormat: ArnFormat.COLON_RESOURCE_NAME,
  });
}

export function executionsLink(scope: Construct): string {
  const address = consoleAddress(
    scope,
    `/states/home?region=REGION#/statemachines/view/${arnOf(scope, ENTRY_STATE_MACHINE)}`,
  );
  return `[Executions: what runs, what waits for an approval, and how each ended](${address})`;
}
