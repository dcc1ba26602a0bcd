import { request } from 'undici'

/** Someone with a browser: keeps cookies, follows redirects, says what a browser says. */
export interface Shopper {
  /** Opens a page as a person does; answers with the final page. */
  open(path: string): Promise<Page>
  post(path: string, form: Readonly<Record<string, string>>): Promise<Page>
  setCookie(name: string, value: string): void
}

export interface Page {
  readonly status: number
  readonly url: string
  readonly text: string
}

const browser = {
  'user-agent':
    'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36',
  accept: 'text/html,application/xhtml+xml',
  'accept-language': 'en',
  'sec-fetch-dest': 'document',
  'sec-fetch-mode': 'navigate',
  'sec-fetch-site': 'same-origin',
}

/** `address` is where the visitor's packets go; `host` the name that is typed. */
export const createShopper = (
  address: string,
  host: string,
  headers: Readonly<Record<string, string>> = {},
): Shopper => {
  const jar = new Map<string, string>()

  const visit = async (path: string, form: URLSearchParams | null, referrer?: string): Promise<Page> => {
    const answer = await request(`${address}${path}`, {
      method: form === null ? 'GET' : 'POST',
      headers: {
        ...browser,
        host,
        ...(referrer === undefined ? {} : { referer: referrer }),
        ...(form === null ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
        ...(jar.size === 0 ? {} : { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') }),
        ...headers,
      },
      body: form === null ? null : form.toString(),
    })
    const text = await answer.body.text()
    for (const line of [answer.headers['set-cookie'] ?? []].flat()) {
      const [pair = ''] = line.split(';')
      const equals = pair.indexOf('=')
      jar.set(pair.slice(0, equals), pair.slice(equals + 1))
    }
    const { location } = answer.headers
    if (answer.statusCode >= 300 && answer.statusCode < 400 && typeof location === 'string')
      return visit(location, null, `http://${host}${path}`)
    return { status: answer.statusCode, url: path, text }
  }

  return {
    open: (path) => visit(path, null),
    post: (path, form) => visit(path, new URLSearchParams(form)),
    setCookie: (name, value) => jar.set(name, value),
  }
}
