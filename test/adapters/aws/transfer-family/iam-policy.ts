/** What IAM says to a request under a session policy: for the tests of what writes such policies. */
interface Statement {
  readonly Effect: "Allow" | "Deny";
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: { readonly StringLike: { readonly "s3:prefix": string | readonly string[] } };
}

export interface IamRequest {
  readonly action: string;
  readonly resource: string;
  readonly prefix?: string;
}

export function isAllowed(policy: string, request: IamRequest): boolean {
  const { Statement: statements } = JSON.parse(policy) as { Statement: readonly Statement[] };
  const effects = statements.filter((statement) => applies(statement, request)).map(({ Effect }) => Effect);
  return effects.includes("Allow") && !effects.includes("Deny");
}

function applies({ Action, Resource, Condition }: Statement, { action, resource, prefix }: IamRequest): boolean {
  if (!list(Action).includes(action) || !list(Resource).some((pattern) => isLike(pattern, resource))) return false;
  if (!Condition) return true;
  return prefix !== undefined && list(Condition.StringLike["s3:prefix"]).some((pattern) => isLike(pattern, prefix));
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === "string" ? [value] : value;
}

/** `*`, `?`, and the three characters that have to be escaped: `${*}`, `${?}`, `${$}`. */
function isLike(pattern: string, text: string): boolean {
  const source = pattern.replaceAll(/\$\{(.)\}|[\s\S]/gu, (piece, special?: string) => {
    if (special === undefined && piece === "*") return "[\\s\\S]*";
    if (special === undefined && piece === "?") return "[\\s\\S]";
    return `\\u{${(special ?? piece).codePointAt(0)?.toString(16)}}`;
  });
  return new RegExp(`^${source}$`, "u").test(text);
}
