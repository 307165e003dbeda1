import { z } from "zod";
import { roles } from "../../../core/account.ts";
import { limits } from "../../../core/limits.ts";
import { passwordHashProblem } from "../password-hasher.ts";
import { authenticationSchema } from "./authentication-schema.ts";
import { destinationSchema } from "./destination-schema.ts";
import { dispatchRuleSchema } from "./dispatch-rule-schema.ts";
import * as field from "./fields.ts";
import { InvalidValue } from "./invalid-value.ts";
import { pgpKeySchema } from "./pgp-key-schema.ts";
import { parsePublicKey } from "./public-key.ts";
import { pullSchema } from "./pull-schema.ts";
import { alertRuleSchema, mailSchema } from "./rule-schema.ts";
import { scannerSchema } from "./scanner-schema.ts";
import type { SecretSource } from "./secret.ts";
import { serverSchema } from "./server-schema.ts";
import { parseFolderPath, parseMoment } from "./values.ts";

const { section, name, parsedBy } = field;

/**
 * The whole configuration file. Reading with it resolves secrets and converts every value; what one part says about
 * another is checked by `referenceProblems`.
 */
export function configurationSchema(secrets: SecretSource) {
  return section({
    $schema: z.string().optional().describe("The JSON Schema of this file, for editors."),
    server: serverSchema(secrets).prefault({}).describe("Which protocols listen where. A change needs a restart."),
    groups: z.array(groupSchema).max(limits.groups).default([]).describe("What several accounts have in common."),
    accounts: z.array(accountSchema(secrets)).max(limits.accounts).default([]).describe("Who may connect."),
    destinations: z
      .array(destinationSchema(secrets))
      .max(limits.destinations)
      .default([])
      .describe("Remote sites that files are pushed to and pulled from."),
    dispatch: z
      .array(dispatchRuleSchema(secrets))
      .max(limits.dispatchRules)
      .default([])
      .describe("What happens to files after a transfer."),
    pulls: z
      .array(pullSchema)
      .max(limits.pulls)
      .default([])
      .describe("Files that are fetched from destinations again and again."),
    alerts: z
      .array(alertRuleSchema(secrets))
      .max(limits.alertRules)
      .default([])
      .describe("Which events are told by e-mail or to a webhook."),
    mail: mailSchema(secrets).optional().describe("How e-mail is sent. Alerts by e-mail need it."),
    pgpKeys: z
      .array(pgpKeySchema(secrets))
      .max(limits.pgpKeys)
      .default([])
      .describe("OpenPGP keys for the steps encrypt, decrypt and verify."),
    scanner: scannerSchema.optional().describe("The anti-virus scanner that uploads are given to."),
    authentication: authenticationSchema(secrets)
      .optional()
      .describe("Who is asked about accounts that are not on file here."),
  });
}

/** What reading with {@link configurationSchema} gives. */
export type ParsedConfiguration = z.output<ReturnType<typeof configurationSchema>>;

const permissions = field.permissions
  .default([])
  .describe("Rules [expression?, token…], tried from top to bottom; one without an expression is the global rule.");

const scan = field.scanScope
  .optional()
  .describe("Uploads that nobody can read before they were scanned: required for all, or expressions for their paths.");

const resumableUploads = z
  .boolean()
  .optional()
  .describe("True keeps uploads over SFTP and FTPS that break off for 24 hours, so that clients can go on with them.");

export const groupSchema = section({
  name: name.describe("Unique among the groups."),
  enabled: field.enabled.describe("False refuses every account of the group."),
  permissions,
  scan,
  resumableUploads,
});

export function accountSchema(secrets: SecretSource) {
  return section({
    name: name.describe("What the client logs in with. Unique among the accounts; upper and lower case differ."),
    groups: z.array(name).max(limits.groupsPerAccount).default([]).describe("Names of groups, the primary one first."),
    password: field
      .secret(secrets)
      .transform(parsedBy(checkedHash))
      .optional()
      .describe('The hash that "ferrygate hash-password" prints. Without it no password is accepted.'),
    publicKeys: z
      .array(z.string().transform(parsedBy(parsePublicKey)))
      .max(limits.publicKeysPerAccount)
      .prefault([])
      .describe("SSH public keys, each in OpenSSH's one-line form."),
    roles: z
      .array(z.enum(roles))
      .default([])
      .describe(
        "auditor may read the accounting record, operator manage dispatch rules, alert rules and dead letters, " +
          "admin do everything in the API.",
      ),
    enabled: field.enabled.describe("False refuses the account."),
    expires: z
      .string()
      .transform(parsedBy(parseMoment))
      .optional()
      .describe(
        "From when on the account is refused (ISO 8601). A date alone is its midnight; without a zone it is UTC.",
      )
      .meta({ examples: ["2027-01-31", "2027-01-31T12:00:00Z"] }),
    sources: z
      .array(field.addressBlock)
      .min(1)
      .max(limits.sourcesPerAccount)
      .optional()
      .describe("Addresses and CIDR blocks from which the account may connect. Default: from everywhere."),
    home: field.storePrefix
      .optional()
      .describe("Where the account's files lie in the store. Default: the account's name."),
    folders: folders.describe("Virtual folders: the path that the client sees, and where its files lie in the store."),
    permissions,
    scan,
    resumableUploads,
  });
}

function checkedHash(text: string): string {
  if (!text.startsWith("$"))
    throw new InvalidValue('clear text is refused: "ferrygate hash-password" makes a hash of it');
  const problem = passwordHashProblem(text);
  if (problem !== undefined) throw new InvalidValue(`this password hash cannot be used: ${problem}`);
  return text;
}

const folderPath = z.string().superRefine((text, context) => {
  parsedBy(parseFolderPath)(text, context);
});

const folders = z
  .record(folderPath, field.storePrefix)
  .superRefine((written, context) => {
    const paths = Object.keys(written);
    if (paths.length > limits.foldersPerAccount) {
      context.addIssue({ code: "custom", message: `at most ${limits.foldersPerAccount} virtual folders are possible` });
    }
    const seen = new Set<string>();
    for (const path of paths) {
      const folder = parseFolderPath(path);
      const message = `the virtual folder ${folder} stands here a second time`;
      if (seen.has(folder)) context.addIssue({ code: "custom", path: [path], params: { part: "name" }, message });
      seen.add(folder);
    }
  })
  .transform((written) => Object.entries(written).map(([path, prefix]) => ({ path: parseFolderPath(path), prefix })))
  .prefault({});
