import { PolicyDocument, PolicyStatement, type PolicyStatementProps } from 'aws-cdk-lib/aws-iam';

/** All that a role may do, as a part of the role: whoever uses the role finds it there, and nothing is added later. */
export function policyOf(...statements: PolicyStatementProps[]): Record<string, PolicyDocument> {
  return { own: new PolicyDocument({ statements: statements.map((each) => new PolicyStatement(each)) }) };
}
