import { z } from "zod";
import { compileSelection } from "../../../core/event-selection.ts";
import { compileExpression, compilePathExpression } from "../../../core/expression.ts";
import { limits } from "../../../core/limits.ts";
import { parseAddressBlock } from "../../../core/source-address.ts";
import { nameForm, parsedBy, section } from "./fields.ts";

const protocols = ["sftp", "ftps", "https", "system"] as const;

/** Each of the values, and each with `!` before it. */
export function oneOfOrNot<const Values extends readonly string[]>(values: Values) {
  return z.enum([...values, ...values.map((value) => `!${value}`)]);
}

const listed = <Entry extends z.ZodType>(entry: Entry) => z.array(entry).min(1).max(limits.selectionEntries);

const nameOrNot = z
  .string()
  .max(limits.accountNameLength + 1)
  .regex(new RegExp(`^!?${nameForm.source}$`), { error: nameForm.error });

const peerOrNot = z.string().superRefine((text, context) => {
  parsedBy(parseAddressBlock)(text.replace(/^!/, ""), context);
});

/** An expression that stays text. */
const expressionText = z
  .string()
  .superRefine((source, context) => {
    parsedBy(compilePathExpression)(source, context);
  })
  .meta({ examples: ["/inbox/*.pdf", "*.pdf | *.txt", "! *.tmp", "m/^\\/in[^\\/]*$/i"] });

const dataEntry = z.string().superRefine((source, context) => {
  parsedBy(compileExpression)(source.replace(/^!/, ""), context);
});

const dataFilter = z.record(z.string(), z.union([dataEntry, listed(dataEntry)])).transform(listsOnly);

function listsOnly(written: Readonly<Record<string, string | readonly string[]>>) {
  return Object.fromEntries(
    Object.entries(written).map(([field, entries]) => [field, typeof entries === "string" ? [entries] : entries]),
  );
}

/** `when`: which events a rule is about. `types` differs between kinds of rules. */
export function selectionSchema<Types extends z.ZodType<readonly string[], readonly string[] | undefined>>(
  types: Types,
) {
  return section({
    types,
    accounts: listed(nameOrNot).optional().describe("Names of accounts, !NAME for all others. Default: every account."),
    groups: listed(nameOrNot).optional().describe("Names of groups that the account is in, or with ! is not."),
    protocols: listed(oneOfOrNot(protocols)).optional().describe("What the client spoke. Default: every protocol."),
    peers: listed(peerOrNot)
      .optional()
      .describe("Addresses and CIDR blocks of clients, with ! the others. Default: from everywhere."),
    path: expressionText.optional().describe("An expression that the virtual path has to match. Default: every path."),
    data: dataFilter.optional().describe("Expressions that fields of the event's data have to match, by field."),
  }).transform((written) => compileSelection(written));
}
