import { describe, expect, it } from 'vitest';
import { isAllowed, type Statement } from '../../../local/aws/policy.ts';

const ARN = 'arn:aws:s3:::backups/orders/monday.db';
const allow = (more: Partial<Statement> = {}): Statement => ({
  Effect: 'Allow',
  Action: 's3:GetObject',
  Resource: ARN,
  ...more,
});
const may = (statements: Statement[], context: Record<string, string> = {}) =>
  isAllowed(statements, { action: 's3:GetObject', resource: ARN }, context);

describe('a request', () => {
  it.each<[string, Statement[], boolean]>([
    ['no statement', [], false],
    ['one for it', [allow()], true],
    ['one of several for it', [allow({ Action: ['s3:PutObject', 's3:getobject'], Resource: ['arn:x', ARN] })], true],
    ['one for another action', [allow({ Action: 's3:GetObjects' })], false],
    ['one for another resource', [allow({ Resource: 'arn:aws:s3:::backups/orders/monday_db' })], false],
    ['wildcards', [allow({ Action: 's3:Get*', Resource: 'arn:aws:s3:::*/orders/monday.d?' })], true],
    ['a wildcard that does not fit', [allow({ Resource: 'arn:aws:s3:::backups/orders/monday.?' })], false],
    ['what allows and what denies it', [allow(), allow({ Effect: 'Deny' })], false],
    ['a denial of something else', [allow(), allow({ Effect: 'Deny', Action: 's3:PutObject' })], true],
  ])('is held to %s', (_, statements, allowed) => {
    expect(may(statements)).toBe(allowed);
  });

  it.each<[string, NonNullable<Statement['Condition']>, boolean]>([
    ['a text', { StringEquals: { key: 'a:b' } }, true],
    ['one of several', { StringEquals: { key: ['x', 'a:b'] } }, true],
    ['another text', { StringEquals: { key: '*:b' } }, false],
    ['a pattern', { StringLike: { key: '*:b' } }, true],
    ['an ARN', { ArnLike: { arn: 'arn:aws:iam::1:role/path/*' } }, true],
    ['an ARN of another path', { ArnLike: { arn: 'arn:aws:iam::1:role/other/*' } }, false],
    ['a wildcard over colons', { ArnLike: { arn: 'arn:*/name' } }, false],
    ['a key that the request does not have', { StringLike: { none: '*' } }, false],
    ['two conditions of which one holds', { StringLike: { key: '*' }, StringEquals: { key: 'x' } }, false],
  ])('is held to the condition of %s', (_, Condition, allowed) => {
    expect(may([allow({ Condition })], { key: 'a:b', arn: 'arn:aws:iam::1:role/path/name' })).toBe(allowed);
  });

  it.each<[string, object]>([
    ['effect Maybe', { Effect: 'Maybe' }],
    ["policy's NotAction", { NotAction: 's3:*' }],
    ['condition NumericLessThan', { Condition: { NumericLessThan: { key: '1' } } }],
  ])('is not decided where the platform does not know the %s', (what, more) => {
    expect(() => may([allow(more)])).toThrow(new RegExp(`does not know (the|a) ${what}`));
  });
});
