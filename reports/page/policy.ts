/** The source expression that lets exactly this inline text run under a content security policy. */
export async function hashSource(text: string): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`
}

/** The page may do nothing but show itself: no request of any kind, no eval, only its own style and scripts. */
export async function policyFor(style: string, scripts: readonly string[]): Promise<string> {
  const [styleHash, ...hashes] = await Promise.all([style, ...scripts].map(hashSource))
  const allowed = hashes.length === 0 ? "'none'" : hashes.join(' ')
  return `default-src 'none'; style-src ${styleHash}; script-src ${allowed}; img-src data:; base-uri 'none'; form-action 'none'`
}
