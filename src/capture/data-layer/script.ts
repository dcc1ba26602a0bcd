import { createHash } from 'node:crypto'
import type { Entry } from './entry.ts'

/**
 * The script that pushes a page's events. ASCII only, so that its bytes mean the same in every charset of the web that has
 * ASCII in it. It takes itself out of the document, whose tree is then what the origin sent; it never assigns to a variable
 * that is there (`location` would navigate), and pushes only where there is something to push to.
 */

/** `n`: names of variables, `e`: entries. */
const push =
  'for(i=0;i<n.length;i++){l=w[n[i]]||(w[n[i]]=[]);if(typeof l.push==="function")for(k=0;k<e.length;k++)l.push(e[k])}'

/** How the page's policy lets a script run. */
export type Way =
  | { readonly kind: 'inline'; readonly nonce: string | null }
  | { readonly kind: 'external'; readonly nonce: string | null }

/** The same file for every site and page: it may be kept for ever, and its address changes with it. */
const code = `(function(w,d){var s=d.currentScript,n,e,i,k,l;if(!s)return;n=JSON.parse(s.getAttribute("data-variables"));e=JSON.parse(s.getAttribute("data-entries"));s.remove();${push}})(window,document)\n`

export const loader = {
  code,
  /** A path that no site has: reserved by the gateway on every host it serves. */
  path: `/.well-known/sluice/data-layer.${createHash('sha256').update(code).digest('hex').slice(0, 16)}.js`,
  /** A policy that lists it lets the file run. */
  integrity: `sha256-${createHash('sha256').update(code).digest('base64')}`,
} as const

/**
 * JSON that may stand in a script, and between single quotes in an attribute: what could end either, open a comment or a
 * character reference, or is not ASCII (U+2028 among it) is escaped.
 */
const safeJson = (value: unknown): string =>
  JSON.stringify(value).replace(
    /[^\x20-\x7e]|[<>&']/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )

/** Base64 and its URL form (CSP 3, nonce-value); anything else is not repeated. */
export const isNonce = (text: string): boolean => /^[A-Za-z0-9+/_-]+={0,2}$/.test(text)

export interface Push {
  readonly entries: readonly Entry[]
  readonly variables: readonly string[]
  /** Host and port by which the visitor knows this site; the page's own `<base>` may name another. */
  readonly host: string
}

export const scriptOf = ({ entries, variables, host }: Push, { kind, nonce }: Way): string => {
  const attribute = nonce === null ? '' : ` nonce="${nonce}"`
  const n = safeJson(variables)
  const e = safeJson(entries)
  return kind === 'inline'
    ? `<script${attribute}>(function(w,d,n,e){var s=d.currentScript,i,k,l;if(s)s.remove();${push}})(window,document,${n},${e})</script>`
    : `<script${attribute} src="//${host}${loader.path}" integrity="${loader.integrity}" data-variables='${n}' data-entries='${e}'></script>`
}
