/** Exit code 0 if the bridge in this container answers /healthz: for HEALTHCHECK and exec probes. */
import http from 'node:http';
import https from 'node:https';

const { PORT, HOST, TLS_CERT_FILE } = process.env;
const everywhere = [undefined, '', '0.0.0.0', '::'].includes(HOST);

const target = {
  host: everywhere ? '127.0.0.1' : HOST,
  port: Number(PORT || 8080),
  path: '/healthz',
  timeout: 4000,
  // The certificate names the public host, not this one; nothing secret is sent.
  rejectUnauthorized: false,
};

const request = (TLS_CERT_FILE ? https : http).get(target, (response) => {
  response.resume();
  process.exitCode = response.statusCode === 200 ? 0 : 1;
});
request.on('timeout', () => request.destroy(new Error('no answer in 4 s')));
request.on('error', (error) => {
  console.error(error.message);
  process.exitCode = 1;
});
