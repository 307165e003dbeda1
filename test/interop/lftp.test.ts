import { programOrSkip } from "../support/require-program.ts";
import { clientScript } from "./client-script.ts";
import { lftpClient } from "./lftp-client.ts";

const connect = "ssh -a -x -F /dev/null -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null";

const client = lftpClient(({ product, identity }) => {
  const { host, port } = product.endpoints.sftp;
  return [
    `set sftp:connect-program "${connect} -i ${identity.privateKeyFile}"`,
    `open -u tester,none sftp://${host}:${port}`,
  ];
});

clientScript("lftp over SFTP", client, programOrSkip("lftp"));
