/**
 * The tables, forward only: the file's `user_version` says how many of these have run. One that has been released is
 * never edited.
 *
 * A delivery is a narrow row that changes three times; what is wide lies beside it and changes never: the facts with the
 * event, the personal payload in a table of its own, so that settling deletes a row and its page goes back to the store
 * instead of staying behind nearly empty. Partial indexes hold only what is pending, so history costs the lanes nothing.
 */
export const migrations: readonly string[] = [
  `
  CREATE TABLE site (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  CREATE TABLE integration (
    id INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE
  ) STRICT;

  -- pending is kept by the transitions in the transaction that changes it, so that nobody has to count a backlog
  CREATE TABLE lane (
    id INTEGER PRIMARY KEY,
    integration INTEGER NOT NULL REFERENCES integration (id),
    tempo TEXT NOT NULL CHECK (tempo IN ('realtime', 'batch')),
    pending INTEGER NOT NULL DEFAULT 0,
    UNIQUE (integration, tempo)
  ) STRICT;

  CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    site INTEGER NOT NULL REFERENCES site (id),
    event_id TEXT NOT NULL,
    type TEXT NOT NULL,
    order_id TEXT,
    rule_id TEXT,
    occurred_at INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    duplicates INTEGER NOT NULL DEFAULT 0,
    facts TEXT NOT NULL,
    UNIQUE (site, event_id)
  ) STRICT;
  CREATE INDEX event_accepted ON event (site, accepted_at);
  CREATE INDEX event_order ON event (site, order_id) WHERE order_id IS NOT NULL;

  -- claimed is 0, or the ticket of the claim that holds it: status then says where it goes back to
  CREATE TABLE delivery (
    id INTEGER PRIMARY KEY,
    event INTEGER NOT NULL REFERENCES event (id) ON DELETE CASCADE,
    integration INTEGER NOT NULL REFERENCES integration (id),
    lane INTEGER NOT NULL REFERENCES lane (id),
    status TEXT NOT NULL,
    reason TEXT,
    attempts INTEGER NOT NULL DEFAULT 0,
    claimed INTEGER NOT NULL DEFAULT 0,
    accepted_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    settled_at INTEGER,
    UNIQUE (event, integration)
  ) STRICT;
  CREATE INDEX delivery_due ON delivery (lane, due_at) WHERE settled_at IS NULL AND claimed = 0;
  CREATE INDEX delivery_claimed ON delivery (claimed) WHERE claimed <> 0;
  CREATE INDEX delivery_pending ON delivery (lane, accepted_at) WHERE settled_at IS NULL;
  CREATE INDEX delivery_failed ON delivery (id) WHERE status = 'failed';

  CREATE TABLE payload (
    delivery INTEGER PRIMARY KEY REFERENCES delivery (id) ON DELETE CASCADE,
    body TEXT NOT NULL
  ) STRICT;

  CREATE TABLE journal (
    id INTEGER PRIMARY KEY,
    delivery INTEGER NOT NULL REFERENCES delivery (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    outcome TEXT NOT NULL,
    reason TEXT NOT NULL,
    code TEXT,
    trace TEXT,
    http_status INTEGER,
    duration_ms REAL,
    request TEXT,
    batch_size INTEGER
  ) STRICT;
  CREATE INDEX journal_delivery ON journal (delivery);
  `,
  `
  CREATE TABLE document (
    kind TEXT NOT NULL,
    site TEXT NOT NULL,
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    version INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (kind, site, id)
  ) STRICT;

  -- one row: the version that was given out last
  CREATE TABLE document_version (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL
  ) STRICT;
  INSERT INTO document_version (one, version) VALUES (1, 0);

  CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    site TEXT NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    target TEXT NOT NULL,
    detail TEXT NOT NULL
  ) STRICT;
  CREATE INDEX audit_site ON audit (site, id);
  CREATE TRIGGER audit_stays BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  CREATE TRIGGER audit_stands BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
  `,
  `
  ALTER TABLE delivery ADD COLUMN grade REAL;
  `,
  `
  -- deliveries is a list of ids in JSON: nobody asks which inquiry a delivery belongs to
  CREATE TABLE inquiry (
    id INTEGER PRIMARY KEY,
    integration INTEGER NOT NULL REFERENCES integration (id),
    ticket TEXT NOT NULL,
    deliveries TEXT NOT NULL,
    noted_at INTEGER NOT NULL,
    ask_at INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0
  ) STRICT;
  CREATE INDEX inquiry_due ON inquiry (integration, ask_at);
  `,
  `
  -- attempts of the last day, by minute and by what came of them, so that nobody has to count a journal
  CREATE TABLE pulse (
    integration INTEGER NOT NULL REFERENCES integration (id),
    minute INTEGER NOT NULL,
    status TEXT NOT NULL,
    outcome TEXT NOT NULL,
    deliveries INTEGER NOT NULL,
    PRIMARY KEY (integration, minute, status, outcome)
  ) STRICT, WITHOUT ROWID;

  -- of each outcome the latest, in the platform's words; since: the first after anything was taken or judged
  CREATE TABLE latest (
    integration INTEGER NOT NULL REFERENCES integration (id),
    outcome TEXT NOT NULL,
    at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    reason TEXT NOT NULL,
    code TEXT,
    trace TEXT,
    http_status INTEGER,
    credential TEXT,
    PRIMARY KEY (integration, outcome)
  ) STRICT, WITHOUT ROWID;
  `,
]
