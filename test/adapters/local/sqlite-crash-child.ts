import { createSqliteAccountingLog } from "../../../adapters/local/sqlite-accounting-log.ts";
import { eventOf } from "../../contract/accounting-log.contract.ts";

/** Records transfers until it is killed. Says the id of every event that the log took, at once and for good. */
const [file = "", life = "0"] = process.argv.slice(2);
const log = await createSqliteAccountingLog({ file });
const workers = 8;
let count = 0;

await Promise.all(Array.from({ length: workers }, transferForEver));

async function transferForEver(): Promise<void> {
  for (;;) {
    const transferId = `${life}-${count++}`;
    for (const type of ["transfer.started", "transfer.completed"] as const) {
      const id = `${transferId}.${type}`;
      await log.append(eventOf(count, { id, type, data: { transferId, path: `/inbox/${transferId}` } }));
      process.stdout.write(`${id}\n`);
    }
  }
}
