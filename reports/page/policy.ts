/** The source expression that lets exactly this inline text run under a content security policy. */
export async function hashSource(text: string): Promise<string> {
  const digest = await globalThis.crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  return `'sha256-${btoa(String.fromCharCode(...new Uint8Array(digest)))}'`
}

/** The page may do nothing but show itself: no request of any kind, no eval, only its own style and script. */
export async function policyFor(style: string, script: string): Promise<string> {
  const [styleHash, scriptHash] = await Promise.all([hashSource(style), hashSource(script)])
  return `default-src 'none'; style-src ${styleHash}; script-src ${scriptHash}; img-src data:; base-uri 'none'; form-action 'none'`
}
