// oauth2-mock-server on a port. On SIGUSR2 it makes a new key, which signs beside the old ones from then on.
import { OAuth2Server } from 'oauth2-mock-server';

const [port, algorithm] = process.argv.slice(2);
const server = new OAuth2Server();
await server.issuer.keys.generate(algorithm);
server.service.on('beforeTokenSigning', (token) => {
  Object.assign(token.payload, { aud: 'ccomet', sub: 'ann', 'ccomet:subscribe': ['room.*'] });
});
await server.start(Number(port), '127.0.0.1');
process.on('SIGUSR2', async () => {
  const { kid } = await server.issuer.keys.generate(algorithm);
  console.log(`key ${kid}`);
});
console.log(`issuer ${server.issuer.url}`);
