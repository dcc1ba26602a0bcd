import type { Report } from './cross-check.ts'
import type { SiteOutline } from './outline.ts'
import type { CheckCertificate } from './parse.ts'

/** Certificate files that cannot be served with are problems of the rules file, at the place that names them. */
export const checkCertificates = (
  sites: readonly SiteOutline[],
  check: CheckCertificate,
  report: Report,
): void => {
  for (const { path, tls, hosts } of sites) {
    if (tls === null || tls === 'acme') continue
    const { problems, doubts } = check(
      tls,
      hosts.map(({ host }) => host),
    )
    for (const { of, message } of problems) report([...path, 'tls', of], message)
    for (const doubt of doubts) report([...path, 'tls', 'cert'], doubt, 'warning')
  }
}
