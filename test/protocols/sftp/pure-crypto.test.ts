import assert from "node:assert/strict";
import { generateKeyPairSync, KeyObject, randomBytes } from "node:crypto";
import { once } from "node:events";
import { registerHooks } from "node:module";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import type { CipherAlgorithm, Client, ClientChannel, Connection, Server } from "ssh2";

// This process must not find the addon, so ssh2 comes after the hook.
registerHooks({
  resolve(specifier, context, next) {
    if (specifier.endsWith("/sshcrypto.node")) throw new Error("hidden by this test");
    return next(specifier, context);
  },
});
const { default: ssh2 } = await import("ssh2");
const { sshCryptoStatus } = await import("../../../protocols/sftp/crypto-status.ts");
const { useKeyObjects } = await import("../../../protocols/sftp/pure-crypto.ts");

/** And how many secrets each takes in one direction. */
const secretsByCipher: readonly (readonly [CipherAlgorithm, number])[] = [
  ["aes128-gcm@openssh.com", 1],
  ["aes256-gcm@openssh.com", 1],
  ["chacha20-poly1305@openssh.com", 2],
  ["aes256-ctr", 1],
];
const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
const hostKey = privateKey.export({ type: "pkcs1", format: "pem" });

/** How many secrets the connection holds as KeyObjects, outbound and inbound. */
function keyObjectsOf(connection: Connection): number[] {
  const { _protocol } = connection as unknown as { _protocol: { _cipher: object; _decipher: object } };
  return [_protocol._cipher, _protocol._decipher].map(
    (state) => Object.values(state).filter((value) => value instanceof KeyObject).length,
  );
}

/** Accepts everyone; `exec` echoes. */
function echoServer(onHandshake: (connection: Connection) => void): Server {
  return new ssh2.Server({ hostKeys: [hostKey] }, (connection) => {
    connection.on("handshake", () => onHandshake(connection));
    connection.on("authentication", (context) => context.accept());
    connection.on("session", (accept) => {
      accept().on("exec", (acceptExec) => {
        const channel = acceptExec();
        channel.pipe(channel);
      });
    });
  });
}

async function openEcho(client: Client, port: number, cipher: CipherAlgorithm): Promise<ClientChannel> {
  const login = { username: "tester", password: "any" };
  client.connect({ host: "127.0.0.1", port, ...login, algorithms: { cipher: [cipher] } });
  await once(client, "ready");
  return new Promise((resolve, reject) =>
    client.exec("echo", (error, channel) => (error ? reject(error) : resolve(channel))),
  );
}

async function echoed(channel: ClientChannel, payload: Buffer): Promise<Buffer> {
  channel.write(payload);
  const received: Buffer[] = [];
  for (let bytes = 0; bytes < payload.length; bytes += received.at(-1)?.length ?? 0) {
    const chunk: Buffer | null = channel.read();
    if (chunk === null) await once(channel, "readable");
    received.push(chunk ?? Buffer.alloc(0));
  }
  return Buffer.concat(received);
}

describe("ssh2's JavaScript ciphers", () => {
  it("are in use in this test", () => assert.equal(sshCryptoStatus().native, false));

  for (const [cipher, secrets] of secretsByCipher) {
    it(`carry data as KeyObjects through an exchange of keys: ${cipher}`, async () => {
      const handshakes: number[][] = [];
      let serverSide: Connection | undefined;
      const server = echoServer((connection) => {
        useKeyObjects(connection);
        handshakes.push(keyObjectsOf(connection));
        serverSide = connection;
      });
      const client = new ssh2.Client();
      try {
        await once(server.listen(0, "127.0.0.1"), "listening");
        const channel = await openEcho(client, (server.address() as AddressInfo).port, cipher);
        const payload = randomBytes(300_000);
        assert.ok((await echoed(channel, payload)).equals(payload));
        await new Promise<void>((resolve) => serverSide?.rekey(resolve));
        assert.ok((await echoed(channel, payload)).equals(payload));
        assert.deepEqual(handshakes, [
          [secrets, secrets],
          [secrets, secrets],
        ]);
      } finally {
        client.end();
        server.close();
      }
    });
  }
});
