import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.util.Arrays;
import javax.net.ssl.X509TrustManager;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPSClient;

/** A session with Apache Commons Net: explicit|implicit port password file. Prints what went wrong, or `done`. */
public class CommonsNetClient {
    static FTPSClient client;

    public static void main(String[] arguments) throws Exception {
        client = new FTPSClient("TLS", arguments[0].equals("implicit"));
        client.setTrustManager(new TrustAll());
        client.setControlEncoding("UTF-8");
        client.connect("127.0.0.1", Integer.parseInt(arguments[1]));
        expect("login", client.login("tester", arguments[2]));
        client.execPBSZ(0);
        client.execPROT("P");
        client.enterLocalPassiveMode();
        client.setFileType(FTP.BINARY_FILE_TYPE);
        byte[] content = Files.readAllBytes(Path.of(arguments[3]));
        for (int bytes : new int[] {0, 1, content.length}) put("/java.bin", Arrays.copyOf(content, bytes));
        client.setRestartOffset(1000);
        expect("REST and STOR", store("/java.bin", Arrays.copyOfRange(content, 1000, content.length)));
        expect("the resumed file", Arrays.equals(content, get("/java.bin")));
        expect("APPE", client.appendFile("/java.bin", new ByteArrayInputStream(new byte[3])));
        expect("SIZE", client.getSize("/java.bin").equals(String.valueOf(content.length + 3)));
        expect("MLSD", client.mlistDir("/").length == 1);
        expect("LIST", client.listFiles("/").length == 1);
        expect("RNFR and RNTO", client.rename("/java.bin", "/jävä.bin"));
        expect("DELE", client.deleteFile("/jävä.bin"));
        put("/kept.bin", content);
        client.logout();
        client.disconnect();
        System.out.println("done");
    }

    static void put(String remote, byte[] content) throws Exception {
        expect("STOR", store(remote, content));
        expect("the stored file", Arrays.equals(content, get(remote)));
    }

    static boolean store(String remote, byte[] content) throws Exception {
        return client.storeFile(remote, new ByteArrayInputStream(content));
    }

    static byte[] get(String remote) throws Exception {
        ByteArrayOutputStream received = new ByteArrayOutputStream();
        expect("RETR", client.retrieveFile(remote, received));
        return received.toByteArray();
    }

    static void expect(String what, boolean holds) {
        if (holds) return;
        System.out.println(what + ": " + client.getReplyString());
        System.exit(1);
    }

    static class TrustAll implements X509TrustManager {
        public void checkClientTrusted(X509Certificate[] chain, String type) {}

        public void checkServerTrusted(X509Certificate[] chain, String type) {}

        public X509Certificate[] getAcceptedIssuers() {
            return new X509Certificate[0];
        }
    }
}
