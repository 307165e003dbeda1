import ssh2 from "ssh2";
import { createSftpServer } from "../../protocols/sftp/server.ts";
import { createMemoryObjectStore } from "../support/memory-object-store.ts";
import { createMemoryPipeline } from "../support/memory-ports.ts";

// The SFTP front end over a store whose writes never end, in a process of its own, whose memory can be measured.
const memory = createMemoryObjectStore();
const never = new Promise<void>(() => {});
const { openSession } = createMemoryPipeline(undefined, {
  objects: {
    ...memory,
    openWrite: async (objectKey, transferId) => ({
      ...(await memory.openWrite(objectKey, transferId)),
      write: () => never,
    }),
  },
});
const server = createSftpServer({
  openSession,
  hostKeys: [ssh2.utils.generateKeyPairSync("ecdsa", { bits: 256 }).private],
  listen: { host: "127.0.0.1", port: 0 },
  log: { warn() {}, error: console.error },
});
const { port } = await server.listen();
// Tells its port; ends when it is asked for anything more.
process.send?.({ port });
process.once("message", () => process.exit(0));
