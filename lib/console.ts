import { Aws, CfnMapping, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

const ID = 'Console';
const DOMAINS = {
  aws: { Domain: 'console.aws.amazon.com' },
  'aws-cn': { Domain: 'console.amazonaws.cn' },
  'aws-us-gov': { Domain: 'console.amazonaws-us-gov.com' },
};

/** An address in the console of the stack's partition. @param path in which REGION stands for the region */
export function consoleAddress(scope: Construct, path: string): string {
  const stack = Stack.of(scope);
  const domains =
    (stack.node.tryFindChild(ID) as CfnMapping | undefined) ?? new CfnMapping(stack, ID, { mapping: DOMAINS });
  return `https://${domains.findInMap(Aws.PARTITION, 'Domain')}${path.replaceAll('REGION', stack.region)}`;
}
