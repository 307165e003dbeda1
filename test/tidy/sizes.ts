import { isA, isNode, lineOf, type Module, nodesIn, type SyntaxNode } from "./syntax.ts";

const fileLines = 400;
const testFileLines = 600;
const lambdaFileLines = 50;
const functionLines = 70;
const medianFunctionLines = 12;
const lineCharacters = 120;
const parameterCount = 4;
const portMethods = 8;

// A key or a digest in a test, or an address: nothing in it can be put on another line.
const unbreakable = /\S{80}/;

/** What a program writes is as long as what it describes. */
const isGenerated = /^\/\/ Made by scripts\//;

export function fileLengthFindings(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, lines }) => {
    if (isGenerated.test(lines[0] ?? "")) return [];
    const most = isTest(path) ? testFileLines : path.startsWith("lambdas/") ? lambdaFileLines : fileLines;
    // The text ends with a line break, so the last of the parts is empty.
    const count = lines.length - 1;
    return count > most ? [`${path} has ${count} lines, more than ${most}`] : [];
  });
}

export function lineLengthFindings(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, lines }) =>
    lines.flatMap((line, index) =>
      line.length > lineCharacters && !unbreakable.test(line)
        ? [`${path}:${index + 1} has ${line.length} characters, more than ${lineCharacters}`]
        : [],
    ),
  );
}

/** In the product; the suites of a test are functions too, and long by nature. */
export function functionLengthFindings(modules: readonly Module[]): string[] {
  const functions = modules.filter(({ path }) => !isTest(path)).flatMap(functionsOf);
  const long = functions
    .filter(({ length }) => length > functionLines)
    .map(({ place, length }) => `${place} a function has ${length} lines, more than ${functionLines}`);
  const lengths = functions.map(({ length }) => length).sort((a, b) => a - b);
  const median = lengths[Math.floor(lengths.length / 2)] ?? 0;
  if (median <= medianFunctionLines) return long;
  return [...long, `the median function has ${median} lines, more than ${medianFunctionLines}`];
}

export function parameterFindings(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, nodes }) =>
    nodes
      .map((node) => ({ node, count: parametersOf(node).length }))
      .filter(({ count }) => count > parameterCount)
      .map(({ node, count }) => `${path}:${lineOf(node)} has ${count} parameters, more than ${parameterCount}`),
  );
}

export function portFindings(modules: readonly Module[]): string[] {
  return modules
    .filter(({ path }) => path.startsWith("ports/"))
    .flatMap(({ path, nodes }) =>
      nodes
        .filter((node) => isA(node, "TSInterfaceBody"))
        .map((body) => ({ body, count: nodesIn(body.body).filter(isMethod).length }))
        .filter(({ count }) => count > portMethods)
        .map(({ body, count }) => `${path}:${lineOf(body)} has ${count} methods, more than ${portMethods}`),
    );
}

function isTest(path: string): boolean {
  return path.startsWith("test/");
}

/** Functions with a block; what an arrow answers at once has no statements to count. */
function functionsOf({ path, nodes }: Module): { place: string; length: number }[] {
  return nodes
    .filter((node) => isA(node.body, "BlockStatement") && Array.isArray(node.params))
    .map((node) => ({ place: `${path}:${lineOf(node)}`, length: node.loc.end.line - lineOf(node) + 1 }));
}

/** Of functions and methods, and of their signatures in types. */
function parametersOf(node: SyntaxNode): SyntaxNode[] {
  return isA(node, "TSTypeParameterInstantiation", "TSTypeParameterDeclaration")
    ? []
    : nodesIn(node.params ?? node.parameters);
}

function isMethod(member: SyntaxNode): boolean {
  const type = isNode(member.typeAnnotation) ? member.typeAnnotation.typeAnnotation : undefined;
  return isA(member, "TSMethodSignature") || isA(type, "TSFunctionType");
}
