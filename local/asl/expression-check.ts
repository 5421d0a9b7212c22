import { compileExpression } from './expressions.ts';
import { CALLABLE_FUNCTIONS } from './functions.ts';

/** What `$states` offers beside `input` and `context`, depending on the field. */
export type StatesExtra = 'result' | 'errorOutput';

/**
 * A node of jsonata's syntax tree. Its published type leaves out much of what the parser gives, so that nodes are read as the
 * plain objects they are.
 */
interface Node {
  type?: string;
  value?: unknown;
  position?: number;
  [part: string]: unknown;
}

/** The node types that read the context item: at the root of an expression Step Functions has none. */
const CONTEXT_READERS = new Set(['name', 'wildcard', 'descendant', 'parent']);

/** The parts of a node that are evaluated for each item of a sequence, which is then their context. */
const ITEM_PARTS = new Set(['predicate', 'stages', 'group', 'terms']);

/** What is wrong with an expression, as far as it shows without running it. */
export function expressionProblems(source: string, extras: readonly StatesExtra[]): string[] {
  let tree: Node;
  try {
    tree = compileExpression(source).ast() as unknown as Node;
  } catch (error) {
    return [`'${source}' is not a JSONata expression: ${(error as Error).message}`];
  }
  const check = new ExpressionCheck(tree, ['input', 'context', ...extras]);
  check.visit(tree, false);
  return check.problems.map((problem) => `'${source}' ${problem}`);
}

class ExpressionCheck {
  readonly problems: string[] = [];
  readonly #bound = new Set<string>();
  readonly #readable: readonly string[];

  constructor(tree: Node, readable: readonly string[]) {
    this.#readable = readable;
    this.#collectBindings(tree);
  }

  /** `hasContext`: whether the node is evaluated for an item, so that `$` and bare names mean something. */
  visit(node: Node, hasContext: boolean): void {
    if (node.type === 'variable') this.#checkVariable(node, hasContext);
    if (node.type === 'function' || node.type === 'partial') this.#checkCall(node.procedure as Node);
    if (node.type === 'apply') this.#checkCall(node.rhs as Node);
    if (node.type === 'condition' && repeatsItsCondition(node)) {
      this.problems.push('uses ?? or ?:, which came with JSONata 2.1; Step Functions evaluates 2.0.6.');
    }
    if (CONTEXT_READERS.has(node.type ?? '') && !hasContext) {
      const what = node.type === 'name' ? `the bare name ${node.value}` : `the ${node.type} operator`;
      this.problems.push(`reads ${what} at top level, where there is no context: start from $states or a variable.`);
    }
    if (node.type === 'path') {
      this.#visitPath(node, hasContext);
    } else {
      this.#visitParts(node, hasContext || node.type === 'transform');
    }
  }

  #visitPath(path: Node, hasContext: boolean): void {
    const steps = path.steps as Node[];
    const [first, second] = steps;
    if (first?.type === 'variable' && first.value === 'states' && second?.type === 'name') {
      if (!this.#readable.includes(String(second.value))) {
        this.problems.push(
          `reads $states.${second.value}; this field has $states.${this.#readable.join(', $states.')}.`,
        );
      }
    }
    steps.forEach((step, index) => {
      this.visit(step, hasContext || index > 0);
    });
    this.#visitParts({ ...path, steps: undefined }, hasContext);
  }

  #visitParts(node: Node, hasContext: boolean): void {
    for (const [part, value] of Object.entries(node)) {
      for (const child of nodesIn(value)) this.visit(child, hasContext || ITEM_PARTS.has(part));
    }
  }

  #checkVariable({ value: name }: Node, hasContext: boolean): void {
    if (name === '$') this.problems.push('reads $$, which is undefined in Step Functions: use $states.');
    if (name === '') {
      this.problems.push(
        hasContext
          ? 'reads $: no history of AWS shows that Step Functions takes it. Use $filter or $map, with a function whose parameter has a name.'
          : 'reads $ at top level, where it is undefined: use $states.',
      );
    }
    if (name === 'eval' && !this.#bound.has('eval')) this.problems.push('uses $eval, which Step Functions lacks.');
  }

  #checkCall(callee: Node): void {
    const name = String(callee.value);
    if (callee.type !== 'variable' || name === 'eval') return;
    if (CALLABLE_FUNCTIONS.has(name) || this.#bound.has(name)) return;
    this.problems.push(`calls $${name}, which is not a function of JSONata or Step Functions.`);
  }

  /** Every name the expression binds itself, wherever: a call of one of them is the author's own function. */
  #collectBindings(node: Node): void {
    if (node.type === 'bind') this.#bound.add(String((node.lhs as Node).value));
    if (node.type === 'lambda') {
      for (const parameter of node.arguments as Node[]) this.#bound.add(String(parameter.value));
    }
    for (const child of nodesIn(Object.values(node))) this.#collectBindings(child);
  }
}

/** The nodes in a part of a node: the part itself, or those in its (nested) arrays and unmarked objects. */
function nodesIn(part: unknown): Node[] {
  if (Array.isArray(part)) return part.flatMap(nodesIn);
  if (part === null || typeof part !== 'object' || part instanceof RegExp) return [];
  return [part as Node];
}

/** jsonata parses `a ?? b` and `a ?: b` into conditions whose outcome is, position included, what they ask about. */
function repeatsItsCondition({ condition, then }: Node): boolean {
  const tested = condition as Node;
  const [subject] = (tested.arguments as Node[] | undefined) ?? [];
  const outcome = JSON.stringify(then);
  return outcome === JSON.stringify(tested) || outcome === JSON.stringify(subject);
}
