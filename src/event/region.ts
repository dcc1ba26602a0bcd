/** States of the USA and provinces of Canada: the only regions platforms know by a two-letter code. */

const regions: ReadonlyMap<string, string> = new Map(
  `alabama:al alaska:ak arizona:az arkansas:ar california:ca colorado:co connecticut:ct delaware:de districtofcolumbia:dc
washingtondc:dc florida:fl georgia:ga hawaii:hi idaho:id illinois:il indiana:in iowa:ia kansas:ks kentucky:ky louisiana:la
maine:me maryland:md massachusetts:ma michigan:mi minnesota:mn mississippi:ms missouri:mo montana:mt nebraska:ne nevada:nv
newhampshire:nh newjersey:nj newmexico:nm newyork:ny northcarolina:nc northdakota:nd ohio:oh oklahoma:ok oregon:or
pennsylvania:pa rhodeisland:ri southcarolina:sc southdakota:sd tennessee:tn texas:tx utah:ut vermont:vt virginia:va
washington:wa westvirginia:wv wisconsin:wi wyoming:wy puertorico:pr alberta:ab britishcolumbia:bc manitoba:mb
newbrunswick:nb newfoundlandandlabrador:nl newfoundland:nl northwestterritories:nt novascotia:ns nunavut:nu ontario:on
princeedwardisland:pe quebec:qc saskatchewan:sk yukon:yt`
    .split(/\s+/)
    .map((pair) => pair.split(':', 2) as [string, string]),
)

/** The lower-case code of a region's English name, written in any case and with any spacing; `null` for all others. */
export const regionCode = (written: string): string | null =>
  regions.get(
    written
      .normalize('NFD')
      .toLowerCase()
      .replace(/[^a-z]+/g, ''),
  ) ?? null
