import { isA, lineOf, type Module, nameOf, nodesIn, type SyntaxNode } from "./syntax.ts";

const bannedWords = ["util", "helper", "common", "misc", "manager", "base"];
const unfinished = /\b(TODO|FIXME|XXX|HACK)\b/;

/** Files and folders are named after what they hold. */
export function pathFindings(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path }) =>
    path
      .toLowerCase()
      .split(/[/.-]/)
      .filter((word) => bannedWords.some((banned) => word === banned || word === `${banned}s`))
      .map((word) => `${path} has the word "${word}" in its path`),
  );
}

/** Where a name is given: a variable, a parameter, an import, a member of a type. Other people's members are theirs. */
export function bareKeyFindings(modules: readonly Module[]): string[] {
  return modules.flatMap((module) =>
    module.nodes
      .filter((node) => namesGivenBy(node).some((name) => isKey(name)))
      .map((node) => `${module.path}:${lineOf(node)} the word "key" needs another word: objectKey, publicKey, hostKey`),
  );
}

export function unfinishedFindings(modules: readonly Module[]): string[] {
  return modules.flatMap(({ path, comments }) =>
    comments
      .filter(({ text }) => unfinished.test(text))
      .map(({ text, line }) => `${path}:${line} says ${unfinished.exec(text)?.[0]}`),
  );
}

function isKey(name: SyntaxNode): boolean {
  return nameOf(name)?.toLowerCase() === "key";
}

function namesGivenBy(node: SyntaxNode): SyntaxNode[] {
  const names = nodesIn([node.id, ...nodesIn(node.params), ...nodesIn(node.parameters)].flat());
  const bound = names.flatMap(boundNames);
  const isMember = isA(node, "TSPropertySignature", "TSMethodSignature", "ClassProperty", "ClassMethod");
  if (isA(node, "ImportSpecifier", "ImportDefaultSpecifier", "ImportNamespaceSpecifier")) {
    return nodesIn(node.local);
  }
  return isMember ? [...bound, ...nodesIn(node.key)] : bound;
}

/** The identifiers that a pattern binds: `{ a, b: [c, ...d] = [] }` binds a, c and d. */
function boundNames(pattern: SyntaxNode): SyntaxNode[] {
  switch (pattern.type) {
    case "ObjectPattern":
      return nodesIn(pattern.properties).flatMap(boundNames);
    case "ObjectProperty":
      return nodesIn(pattern.value).flatMap(boundNames);
    case "ArrayPattern":
      return nodesIn(pattern.elements).flatMap(boundNames);
    case "AssignmentPattern":
      return nodesIn(pattern.left).flatMap(boundNames);
    case "RestElement":
      return nodesIn(pattern.argument).flatMap(boundNames);
    default:
      return [pattern];
  }
}
