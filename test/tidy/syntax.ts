import { parse } from "@babel/parser";

/** A file of the project: its path from the root with `/`, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** A node of Babel's syntax tree; which further fields there are depends on `type`. */
export interface SyntaxNode {
  readonly type: string;
  readonly loc: { readonly start: { readonly line: number }; readonly end: { readonly line: number } };
  readonly [field: string]: unknown;
}

export interface Import {
  /** As written between the quotes. */
  readonly specifier: string;
  readonly line: number;
}

/** A file, read: every node of its tree, outer ones before the ones inside. */
export interface Module extends Source {
  readonly lines: readonly string[];
  readonly nodes: readonly SyntaxNode[];
  readonly comments: readonly { readonly text: string; readonly line: number }[];
  /** Of types as well as of values, of re-exports and of `import()` with a literal. */
  readonly imports: readonly Import[];
}

/** @throws SyntaxError that names the file and the place. */
export function parseModule(source: Source): Module {
  const tree = parsed(source);
  const nodes = [...nodesBelow(tree.program)];
  const comments = (tree.comments ?? []).map(({ value, loc }) => ({ text: value, line: loc?.start.line ?? 0 }));
  return { ...source, lines: source.text.split("\n"), nodes, comments, imports: nodes.flatMap(importsOf) };
}

function parsed({ path, text }: Source): ReturnType<typeof parse> {
  try {
    return parse(text, {
      sourceType: "module",
      attachComment: false,
      plugins: ["typescript", "explicitResourceManagement"],
    });
  } catch (error) {
    throw new SyntaxError(`${path} cannot be read`, { cause: error });
  }
}

export function lineOf(node: SyntaxNode): number {
  return node.loc.start.line;
}

export function isNode(value: unknown): value is SyntaxNode {
  return typeof value === "object" && value !== null && "type" in value && "loc" in value;
}

/** True for a node of one of the types; a field may hold none, or something else. */
export function isA(value: unknown, ...types: string[]): boolean {
  return isNode(value) && types.includes(value.type);
}

/** The nodes in a field, whether it holds one, several or none. */
export function nodesIn(value: unknown): SyntaxNode[] {
  return (Array.isArray(value) ? value : [value]).filter(isNode);
}

export function nameOf(node: unknown): string | undefined {
  return isNode(node) && node.type === "Identifier" ? (node.name as string) : undefined;
}

function* nodesBelow(value: unknown): Generator<SyntaxNode> {
  for (const node of nodesIn(value)) {
    yield node;
    for (const field of Object.values(node)) yield* nodesBelow(field);
  }
}

const importingTypes = ["ImportDeclaration", "ExportNamedDeclaration", "ExportAllDeclaration", "TSImportType"];

function importsOf(node: SyntaxNode): Import[] {
  const isCall = isA(node, "CallExpression") && isA(node.callee, "Import");
  if (!isCall && !importingTypes.includes(node.type)) return [];
  const [source] = nodesIn(isCall ? node.arguments : (node.source ?? node.argument));
  return source?.type === "StringLiteral" ? [{ specifier: source.value as string, line: lineOf(node) }] : [];
}
