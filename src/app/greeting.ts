/** What a person at a terminal sees after the start: where it is, and lines that work when pasted. */
export interface Greeting {
  readonly url: string;
  readonly isSandbox: boolean;
  readonly scimToken: string | null;
  readonly adminToken: string | null;
  /** Where the tokens were put instead of being shown. */
  readonly tokenFile: string | null;
  /** Null where no admin page is served. */
  readonly adminUrl: string | null;
}

export function greet(greeting: Greeting): readonly string[] {
  const { url, isSandbox, scimToken, adminToken, tokenFile, adminUrl } = greeting;
  const rows: (readonly [string, string])[] = [['SCIM base URL', `${url}/scim/v2`]];
  if (scimToken !== null) rows.push(['SCIM token', scimToken]);
  if (adminUrl !== null) rows.push(['Admin page', adminUrl]);
  if (adminToken !== null) rows.push(['Admin token', adminToken]);
  if (tokenFile !== null) rows.push(['Tokens', `new, in ${tokenFile} (readable by you alone)`]);
  rows.push(['State', `${url}/healthz`]);
  const title = isSandbox
    ? 'Serving a sandbox workspace: nothing leaves this machine. Set ELEVENLABS_API_KEY for a real one.'
    : 'Serving your ElevenLabs workspace.';
  return [
    '',
    `  ${title}`,
    '',
    ...rows.map(([name, value]) => `  ${name.padEnd(15)}${value}`),
    ...(isSandbox && scimToken !== null ? tour(`${url}/scim/v2`, scimToken) : []),
    '',
  ];
}

const PERSON = 'zoe@acme.example';

/** A life cycle: the sandbox accepts invites by itself after some seconds. */
function tour(base: string, token: string): readonly string[] {
  const user = `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"${PERSON}","emails":[{"value":"${PERSON}","type":"work","primary":true}],"active":true}`;
  const disable = `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[{"op":"replace","path":"active","value":false}]}`;
  const filter = `--data-urlencode 'filter=userName eq "${PERSON}"'`;
  return [
    '',
    '  Try it: paste these lines, one after the other.',
    '',
    `SCIM=${base} TOKEN=${token}`,
    `curl -s -w '\\n' "$SCIM/Users" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' -d '${user}'`,
    `curl -sG -w '\\n' "$SCIM/Users" -H "Authorization: Bearer $TOKEN" ${filter}`,
    `ID=$(curl -sG "$SCIM/Users" -H "Authorization: Bearer $TOKEN" ${filter} -d attributes=id | grep -o '"id":"[^"]*"' | cut -d'"' -f4)`,
    `curl -s -w '\\n' -X PATCH "$SCIM/Users/$ID" -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/scim+json' -d '${disable}'`,
    `curl -s -X DELETE "$SCIM/Users/$ID" -H "Authorization: Bearer $TOKEN" -w '%{http_code}\\n'`,
  ];
}
