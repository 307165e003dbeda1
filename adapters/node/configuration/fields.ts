import { z } from "zod";
import { FileError } from "../../../core/errors.ts";
import { EventTemplateError } from "../../../core/event-template.ts";
import { compilePathExpression, ExpressionError } from "../../../core/expression.ts";
import { parseStorePrefix } from "../../../core/folder-map.ts";
import { limits } from "../../../core/limits.ts";
import {
  type PermissionProblem,
  PermissionRulesError,
  parsePermissionRules,
  permissionTokens,
} from "../../../core/permission.ts";
import { everywhere, type ScanScope } from "../../../core/scan-scope.ts";
import { parseAddressBlock, SourceAddressError } from "../../../core/source-address.ts";
import { InvalidValue } from "./invalid-value.ts";
import type { SecretSource } from "./secret.ts";
import { suggestionFor } from "./suggestion.ts";
import { parseEndpoint } from "./values.ts";

/** A mapping with these names and no others. The message about unknown ones has one line for each. */
export function section<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((name) => `unknown key ${JSON.stringify(name)}${suggestionFor(name, known)}`).join("\n")
        : undefined,
  });
}

/** A check and conversion for {@link z.ZodType.transform}: what `parse` throws for bad input becomes the message. */
export function parsedBy<Input, Output>(parse: (value: Input) => Output) {
  return (value: Input, context: z.RefinementCtx<Input>): Output => {
    try {
      return parse(value);
    } catch (error) {
      if (!isExpected(error)) throw error;
      context.addIssue({ code: "custom", message: error.message });
      return z.NEVER;
    }
  };
}

function isExpected(error: unknown): error is Error {
  return [InvalidValue, FileError, ExpressionError, SourceAddressError, EventTemplateError].some(
    (kind) => error instanceof kind,
  );
}

/** How names of accounts, groups and rules are written, and what is said of one that is not. */
export const nameForm = {
  source: "[A-Za-z0-9][A-Za-z0-9._@+-]*",
  error: "a name begins with a letter or digit, and letters, digits and . _ @ + - may follow",
} as const;

export const name = z
  .string()
  .max(limits.accountNameLength)
  .regex(new RegExp(`^${nameForm.source}$`), { error: nameForm.error });

export const endpoint = z
  .string()
  .transform(parsedBy(parseEndpoint))
  .meta({ examples: ["127.0.0.1:2222", "[::1]:0"] });

export const enabled = z.boolean().default(true);

export const expression = z
  .string()
  .transform(parsedBy((source: string) => compilePathExpression(source)))
  .meta({ examples: ["/inbox/*.pdf", "*.pdf | *.txt", "! *.tmp", "m/^\\/in[^\\/]*$/i"] });

export const addressBlock = z
  .string()
  .transform(
    parsedBy((text: string) => {
      parseAddressBlock(text);
      return text;
    }),
  )
  .meta({ examples: ["203.0.113.0/24", "2001:db8::/32"] });

/** What is scanned before anybody can read it. */
export const scanScope = z
  .union([z.literal("required"), z.array(expression).min(1).max(limits.scanExpressions)])
  .transform((written): ScanScope => (written === "required" ? everywhere : written))
  .meta({ examples: ["required", ["/inbox/*"]] });

export const storePrefix = z.string().transform(parsedBy(parseStorePrefix));

// Every name is as short as this one or shorter, so rules that pass with it pass with each.
const longestName = "x".repeat(limits.accountNameLength);

/** One rule on its own, so that a list with several mistakes has all of them reported. */
const permissionRule = z.array(z.string()).superRefine((rule, context) => {
  reportRuleProblems([rule], ({ item, message }) => {
    const word = item === undefined ? "" : (rule[item] ?? "");
    const path = item === undefined ? [] : [item];
    context.addIssue({ code: "custom", path, message: message + suggestionFor(word, permissionTokens) });
  });
});

export const permissions = z
  .array(permissionRule)
  .superRefine((rules, context) => {
    reportRuleProblems(rules, ({ rule, item, message }) => {
      if (item === undefined) context.addIssue({ code: "custom", path: [rule], message });
    });
  })
  .meta({
    examples: [
      [
        ["allow-list", "allow-read"],
        ["/inbox/*", "allow-list", "allow-write"],
      ],
    ],
  });

function reportRuleProblems(rules: string[][], report: (problem: PermissionProblem) => void): void {
  try {
    parsePermissionRules(rules, { owner: "", accountName: longestName });
  } catch (error) {
    if (!(error instanceof PermissionRulesError)) throw error;
    for (const problem of error.problems) report(problem);
  }
}

/** A mapping with exactly one of these names. */
export function choice<Shape extends z.ZodRawShape>(shape: Shape) {
  const names = Object.keys(shape).map((option) => JSON.stringify(option));
  return section(shape)
    .partial()
    .superRefine((written, context) => {
      if (Object.values(written).filter((value) => value !== undefined).length === 1) return;
      context.addIssue({ code: "custom", message: `expected exactly one of ${names.join(" and ")}` });
    })
    .meta({ minProperties: 1, maxProperties: 1 });
}

/** Text from elsewhere: `{ file: PATH }` or `{ env: NAME }`. */
export function secretReference(source: SecretSource) {
  return choice({
    file: z
      .string()
      .transform(parsedBy((path: string) => source.fromFile(path)))
      .describe("A file; relative to the folder of the configuration file."),
    env: z
      .string()
      .transform(parsedBy((variable: string) => source.fromVariable(variable)))
      .describe("An environment variable."),
  }).transform(({ file, env }) => file ?? env ?? "");
}

/** A secret that may stand in the file itself. */
export function secret(source: SecretSource) {
  return z.union([z.string(), secretReference(source)]);
}

/** A secret in a file: the text is the file's path. */
export function secretFile(source: SecretSource) {
  const path = z
    .string()
    .min(1)
    .transform(parsedBy((file: string) => source.fromFile(file)));
  return z.union([path.describe("The path of a file."), secretReference(source)]);
}
