import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { type Action, decide, parsePermissionRules, permissionTokens } from "../../core/permission.ts";
import { parseVirtualPath } from "../../core/virtual-path.ts";
import { type FileClient, ftpsFileClient, httpFileClient, sftpFileClient } from "../support/file-clients.ts";
import {
  disposeProduct,
  type Product,
  startProduct,
  type TestIdentity,
  temporaryDirectory,
  testConfiguration,
  writeIdentity,
} from "../support/product.ts";

/** One account for each list: every token alone, and some together. */
const lists: readonly (readonly string[])[] = [
  ...permissionTokens.map((token) => [token]),
  ["allow-full-control", "deny-full-control"],
  ["allow-read", "allow-write"],
  ["allow-list", "allow-rename", "allow-delete-file"],
];

const protocols = ["sftp", "ftps", "https"] as const;
type Protocol = (typeof protocols)[number];

const operations: readonly [Action, (client: FileClient, protocol: Protocol) => Promise<unknown>][] = [
  ["read", (client, protocol) => client.get(`/read-${protocol}`)],
  ["write", (client, protocol) => client.put(`/written-${protocol}`, Buffer.from("x"))],
  ["list", (client) => client.list("/")],
  ["create-folder", (client, protocol) => client.makeDirectory(`/made-${protocol}`)],
  ["delete-folder", (client, protocol) => client.removeDirectory(`/folder-${protocol}`)],
  ["delete-file", (client, protocol) => client.removeFile(`/delete-${protocol}`)],
  ["rename", (client, protocol) => client.rename(`/rename-${protocol}`, `/renamed-${protocol}`)],
];

const accountOf = (index: number) => `account-${index}`;

describe("the three protocols", { concurrency: 1 }, () => {
  let product: Product;
  let identity: TestIdentity;

  before(async () => {
    const directory = await temporaryDirectory();
    identity = await writeIdentity(directory);
    const tester = await testConfiguration(identity.publicKey);
    const password = /password: "([^"]+)"/.exec(tester)?.[1];
    const accounts = lists.map(
      (tokens, index) => `  - name: ${accountOf(index)}
    password: "${password}"
    publicKeys: ["${identity.publicKey.trim()}"]
    permissions: [[${tokens.join(", ")}]]
`,
    );
    product = await startProduct({ directory, configuration: tester + accounts.join("") });
    for (const index of lists.keys()) await writeFixture(product, accountOf(index));
  });
  after(() => disposeProduct(product));

  for (const [index, tokens] of lists.entries()) {
    it(`agree on what ${tokens.join(" and ")} allows`, async () => {
      for (const [action, operate] of operations) {
        const expected = isAllowed(tokens, action);
        for (const protocol of protocols) {
          const client = await connect(product, identity, { protocol, username: accountOf(index) });
          const done = await operate(client, protocol).then(
            () => true,
            () => false,
          );
          assert.equal(done, expected, `${action} over ${protocol}`);
          await client.close();
        }
      }
    });
  }
});

/** To list a folder, the right to see its sub-folders is enough: the others are left out. */
function isAllowed(tokens: readonly string[], action: Action): boolean {
  const account = parsePermissionRules([tokens], { owner: "test", accountName: "test" });
  const allows = (asked: Action) =>
    decide({ accountName: "test", action: asked, path: parseVirtualPath("/x") }, { account, groups: [] }).effect ===
    "allow";
  return allows(action) || (action === "list" && allows("traverse"));
}

async function writeFixture({ dataDirectory }: Product, account: string): Promise<void> {
  const home = join(dataDirectory, "files", account);
  await mkdir(home, { recursive: true });
  for (const protocol of protocols) {
    await mkdir(join(home, `folder-${protocol}`));
    for (const name of ["read", "delete", "rename"]) await writeFile(join(home, `${name}-${protocol}`), "content");
  }
}

function connect(
  { endpoints }: Product,
  { privateKeyFile }: TestIdentity,
  { protocol, username }: { protocol: Protocol; username: string },
): Promise<FileClient> {
  if (protocol === "sftp") return sftpFileClient(endpoints.sftp, username, privateKeyFile);
  if (protocol === "https") return httpFileClient(endpoints.http.url, username);
  assert.ok(endpoints.ftps);
  return ftpsFileClient(endpoints.ftps, true, username);
}
