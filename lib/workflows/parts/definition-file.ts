import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { IPrincipal } from 'aws-cdk-lib/aws-iam';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import {
  ChainDefinitionBody,
  type DefinitionConfig,
  type StateGraph,
  type StateMachineProps,
} from 'aws-cdk-lib/aws-stepfunctions';
import { type IResolvable, Names, Stage, StringConcat, Token, Tokenization } from 'aws-cdk-lib/core';
import type { Construct } from 'constructs';

/**
 * A definition in a file beside the template, which is uploaded with the code of the functions: the definitions of all workflows take more characters
 * than a template may have. Where only CloudFormation knows a value, such as an ARN, the file has a name for it.
 * https://docs.aws.amazon.com/AWSCloudFormation/latest/TemplateReference/aws-resource-stepfunctions-statemachine.html#cfn-stepfunctions-statemachine-definitionsubstitutions
 */
export class DefinitionFile extends ChainDefinitionBody {
  /** By the names in the file. */
  readonly substitutions: Record<string, string> = {};
  readonly #names = new Map<IResolvable, string>();

  override bind(
    scope: Construct,
    _principal: IPrincipal,
    { comment, queryLanguage }: StateMachineProps,
    graph?: StateGraph,
  ): DefinitionConfig {
    if (!graph) throw new Error(`The state machine ${scope.node.path} has no states.`);
    const definition = { ...graph.toGraphJson(queryLanguage), Comment: comment, QueryLanguage: queryLanguage };
    const folder = join((Stage.of(scope) as Stage).outdir, 'definitions');
    const path = join(folder, `${Names.uniqueId(scope)}.json`);
    mkdirSync(folder, { recursive: true });
    // As it stands there the console shows it.
    writeFileSync(path, this.#named(JSON.stringify(definition, null, 2)));
    const file = new Asset(scope, 'Definition', { path });
    return { definitionS3Location: { bucket: file.s3BucketName, key: file.s3ObjectKey } };
  }

  #named(text: string): string {
    const named: string = Tokenization.reverseString(text)
      .mapTokens({ mapToken: (token) => `\${${this.#nameOf(token)}}` })
      .join(new StringConcat());
    for (const [whole, name = ''] of named.matchAll(/\$\{([^}]*)\}?/g)) {
      if (!(name in this.substitutions)) throw new Error(`A definition has "${whole}", for which nothing stands.`);
    }
    return named;
  }

  #nameOf(token: IResolvable): string {
    const known = this.#names.get(token);
    if (known) return known;
    const name = `value${this.#names.size + 1}`;
    this.#names.set(token, name);
    this.substitutions[name] = Token.asString(token);
    return name;
  }
}
