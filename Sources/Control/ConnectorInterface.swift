/// The name of the interface of connectors.
package let connectorInterfaceName = "io.grantwatch.Connector"

/// The interface of connectors in Varlink's own language.
package let connectorInterfaceDescription = """
  # Access in other systems, such as a database: a connector reports who has which, and takes back
  # what it is asked to. Only root and the account that connectors.d/NAME.conf names may speak for
  # connector NAME. Texts are UTF-8; none of them may be longer than GetLimits says.
  interface io.grantwatch.Connector

  # Who did it, as far as the other system tells. pid is a process on this host, and only where the
  # connector is certain of it.
  type Actor (
    role: ?string,
    address: ?string,
    application: ?string,
    backend: ?int,
    pid: ?int
  )

  # One right that somebody has there. Subject, object and value together are its name: two entries
  # with the same are one. right and value are as the other system writes them; value may be left
  # out where it says the same. detail is the connector's own, and comes back with a revocation.
  # An entry that stands in the place of one with the same subject, object and right is taken to
  # replace it; rights that can be held beside each other need right texts of their own.
  type Entry (
    subject: string,
    object: string,
    right: string,
    value: ?string,
    detail: ?string,
    actor: ?Actor
  )

  # An entry to take back, and what stood in its place before, to be put back.
  type RevokedEntry (
    entry: Entry,
    former: ?Entry
  )

  # What is to be taken back, wholly or not at all. id is another at every try.
  type Revocation (
    id: string,
    grant: string,
    entries: []RevokedEntry
  )

  # How much is taken, of texts in bytes. A revocation is answered, and the state reported after
  # it, within answerSeconds each; a report comes at least every staleSeconds.
  method GetLimits(connector: string) -> (
    entries: int,
    entriesOfReport: int,
    messageBytes: int,
    textBytes: int,
    detailBytes: int,
    reportsPerMinute: int,
    callsPerMinute: int,
    answerSeconds: int,
    staleSeconds: int
  )

  # The whole state as read now, or a page of it: complete is true with the last page. Pages that
  # were begun on one connection end with it. No entries, not complete, and problems: the state
  # cannot be told now. Problems with the last page: something in it could not be read, and what was
  # known of that is among the entries still.
  method Report(connector: string, entries: []Entry, complete: bool, problems: ?[]string) -> ()

  # The state was read again, and is as this connection's last report said.
  method Unchanged(connector: string) -> ()

  # Revocations as they come; what waits comes at once. With report the state is asked for. There is
  # one taker: the one before hears that another came.
  method TakeRevocations(connector: string) -> (revocations: []Revocation, report: bool)

  # What became of a revocation: done; gone, it was there no more; drifted, another object stands in
  # its place and was left alone; failed, worth another try; impossible, no try can help. text says
  # why; residue is access that outlives it. Whether it is gone is known with the next report, which
  # must be of a state read after this call.
  method Revoked(
    connector: string,
    revocation: string,
    outcome: string,
    text: ?string,
    residue: ?[]string
  ) -> ()

  # Asks the connector for a report. For root and those whom it belongs to.
  method AskForReport(connector: string) -> (asked: bool)

  # The connectors and how they are. For root and the group grantwatch.
  method List() -> (connectors: []object)

  # The connector or the revocation is not known: then matches is empty.
  error NotFound (id: string, matches: []string)

  # The caller may not speak for this connector.
  error PermissionDenied (reason: string)

  # The parameters do not fit the method.
  error Invalid (reason: string)

  # More than GetLimits allows. Nothing of it was taken.
  error TooLarge (reason: string)

  # More often than GetLimits allows. Nothing of it was taken.
  error TooOften (reason: string)

  # It could not be done.
  error Failed (reason: string)

  """
