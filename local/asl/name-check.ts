import { isObject } from './json.ts';

/**
 * What is wrong with the names in a definition: of states, variables and resources. A part that is not as it should be is passed over,
 * for its shape is refused as well.
 * @param resources those that Task states may name
 */
export function nameProblems(definition: unknown, resources: readonly string[]): string[] {
  return [...namesIn(definition, '', new Set(), resources)];
}

function* namesIn(
  chain: unknown,
  path: string,
  outerVariables: ReadonlySet<string>,
  resources: readonly string[],
): Generator<string> {
  if (!isObject(chain) || !isObject(chain.States)) return;
  const { StartAt, States } = chain;
  const targets = (exit: Record<string, unknown>, names: readonly string[], at: string) =>
    names
      .filter((name) => typeof exit[name] === 'string' && !Object.hasOwn(States, exit[name]))
      .map((name) => `${at}${name}: names ${JSON.stringify(exit[name])}, which is not a state beside it.`);
  yield* targets({ StartAt }, ['StartAt'], path);
  const found = Object.entries(States).flatMap(([name, state]) =>
    isObject(state) ? [{ state, at: `${path}States.${name}.` }] : [],
  );
  const variables = new Set(outerVariables);
  for (const { state, at } of found) {
    for (const exit of exitsOf(state, at)) for (const name of assignedBy(exit.exit)) variables.add(name);
  }
  for (const { state, at } of found) {
    if (typeof state.Resource === 'string' && !resources.includes(state.Resource)) {
      const known = resources.join(', ');
      yield `${at}Resource: ${JSON.stringify(state.Resource)} is not a resource that runs here; these do: ${known}.`;
    }
    for (const { exit, at: place } of exitsOf(state, at)) {
      yield* targets(exit, ['Next', 'Default'], place);
      for (const name of assignedBy(exit)) {
        if (outerVariables.has(name)) yield `${place}Assign.${name}: is already a variable of a scope around this one.`;
      }
    }
    yield* namesIn(state.ItemProcessor, `${at}ItemProcessor.`, variables, resources);
    for (const [index, branch] of listIn(state.Branches).entries()) {
      yield* namesIn(branch, `${at}Branches[${index}].`, variables, resources);
    }
  }
}

/** Where a state is left: by itself, by a rule of a Choice, by a catcher. */
function exitsOf(state: Record<string, unknown>, at: string): { exit: Record<string, unknown>; at: string }[] {
  const lists = ['Choices', 'Catch'].flatMap((list) =>
    listIn(state[list]).map((exit, index) => ({ exit, at: `${at}${list}[${index}].` })),
  );
  return [{ exit: state, at }, ...lists];
}

function listIn(value: unknown): Record<string, unknown>[] {
  return Array.isArray(value) ? value.map((item) => (isObject(item) ? item : {})) : [];
}

function assignedBy({ Assign }: Record<string, unknown>): string[] {
  return isObject(Assign) ? Object.keys(Assign) : [];
}
