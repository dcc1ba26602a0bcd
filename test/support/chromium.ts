import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { launch, type Browser, type Page } from 'puppeteer-core'

/** A real browser, for what only one can tell: whether a script runs, and what a page then does. */
export interface Chromium extends AsyncDisposable {
  readonly browser: Browser
  /** A visitor of their own: no cookie, no cache of anybody else's. */
  visitor(options?: VisitorOptions): Promise<Visitor>
}

export interface VisitorOptions {
  /** Sent with every request, such as the address a proxy in front would tell. */
  readonly headers?: Readonly<Record<string, string>>
  /** For `url`, by name. */
  readonly cookies?: { readonly url: string; readonly values: Readonly<Record<string, string>> }
}

export interface Visitor extends AsyncDisposable {
  readonly page: Page
  /** What the pages have written to the console, warnings and blocked scripts among it. */
  readonly console: readonly string[]
  /** Errors that no script of the pages has caught. */
  readonly errors: readonly string[]
}

const usualNames = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome']
const usualPlaces = [
  '/usr/bin',
  '/usr/local/bin',
  '/snap/bin',
  '/Applications/Google Chrome.app/Contents/MacOS',
  '/Applications/Chromium.app/Contents/MacOS',
]

const isProgram = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}

const findChromium = (): string | null => {
  const named = process.env['CHROMIUM_PATH'] ?? process.env['PUPPETEER_EXECUTABLE_PATH']
  if (named !== undefined) return isProgram(named) ? named : null
  const places = [...(process.env['PATH'] ?? '').split(delimiter), ...usualPlaces]
  const names = [...usualNames, 'Google Chrome', 'Chromium']
  return places.flatMap((place) => names.map((name) => join(place, name))).find(isProgram) ?? null
}

const executablePath = findChromium()

/** Where it is not: `describe.skipIf(!chromiumIsThere)`, and a name that says so. */
export const chromiumIsThere = executablePath !== null

/** One that a person has; a headless browser calls itself one, and is taken for a bot. */
export const userAgent =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36'

export const startChromium = async (): Promise<Chromium> => {
  if (executablePath === null) throw new Error('no Chromium: set CHROMIUM_PATH')
  const browser = await launch({
    executablePath,
    headless: true,
    // A person's browser keeps pages in memory for its back button.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
    args: [
      // Names of shops that are nowhere else.
      '--host-resolver-rules=MAP *.example.com 127.0.0.1',
      // Its sandbox refuses to be root, as which CI runs.
      ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
      '--disable-dev-shm-usage',
      '--disable-gpu',
      '--no-first-run',
      `--user-agent=${userAgent}`,
    ],
  })
  return {
    browser,
    visitor: async ({ headers = {}, cookies } = {}) => {
      const context = await browser.createBrowserContext()
      if (cookies !== undefined) {
        const { hostname } = new URL(cookies.url)
        await context.setCookie(
          ...Object.entries(cookies.values).map(([name, value]) => ({
            name,
            value,
            domain: hostname,
            path: '/',
          })),
        )
      }
      const page = await context.newPage()
      await page.setExtraHTTPHeaders({ ...headers })
      const heard: string[] = []
      const errors: string[] = []
      page.on('console', (message) => heard.push(message.text()))
      page.on('pageerror', (error) => errors.push(String(error)))
      return {
        page,
        console: heard,
        errors,
        [Symbol.asyncDispose]: () => context.close(),
      }
    },
    [Symbol.asyncDispose]: () => browser.close(),
  }
}
