import { isA, isNode, lineOf, type Module, nameOf, nodesIn, type SyntaxNode } from "./syntax.ts";

/** TypeScript's two ways to stop asking the compiler. */
export function typeEscapeFindings(modules: readonly Module[]): string[] {
  return findingsAt(modules, (node) => {
    if (isA(node, "TSAnyKeyword")) return "uses any";
    return isA(node, "TSNonNullExpression") ? "uses the non-null !" : undefined;
  });
}

/** Scripts are left to the linter: what they hand to Node may have to be a default export. */
export function exportFindings(modules: readonly Module[]): string[] {
  return findingsAt(
    modules.filter(({ path }) => path.endsWith(".ts")),
    (node) => {
      if (isA(node, "ExportDefaultDeclaration")) return "has a default export";
      if (isA(node, "ExportAllDeclaration")) return "re-exports a whole module";
      return isA(node, "Program") && isOnlyReExports(node) ? "does nothing but re-export" : undefined;
    },
  );
}

/** What is true does not depend on when it is asked, and is not waited for. */
export function purityFindings(modules: readonly Module[]): string[] {
  return findingsAt(
    modules.filter(({ path }) => path.startsWith("core/")),
    (node) => {
      if (node.async === true || isA(node, "AwaitExpression")) return "waits";
      if (isA(node, "NewExpression") && nameOf(node.callee) === "Date" && nodesIn(node.arguments).length === 0) {
        return "reads the clock";
      }
      return isA(node, "MemberExpression") ? impureMembers[memberName(node)] : undefined;
    },
  );
}

const impureMembers: Readonly<Record<string, string>> = {
  "Date.now": "reads the clock",
  "performance.now": "reads the clock",
  "Math.random": "rolls dice",
};

function memberName(node: SyntaxNode): string {
  return `${nameOf(node.object)}.${nameOf(node.property)}`;
}

function isOnlyReExports(program: SyntaxNode): boolean {
  const statements = nodesIn(program.body);
  return statements.length > 0 && statements.every((statement) => isReExport(statement));
}

function isReExport(statement: SyntaxNode): boolean {
  return isA(statement, "ExportNamedDeclaration") && isNode(statement.source);
}

function findingsAt(modules: readonly Module[], judge: (node: SyntaxNode) => string | undefined): string[] {
  return modules.flatMap(({ path, nodes }) =>
    nodes.flatMap((node) => {
      const finding = judge(node);
      return finding === undefined ? [] : [`${path}:${lineOf(node)} ${finding}`];
    }),
  );
}
