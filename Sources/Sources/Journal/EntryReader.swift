package import ByteText
internal import Grants

/// From entries of the journal to signals, in order: joins lines that a tool wrote in several
/// entries, recognises them, and tells each event once. Pure.
package struct EntryReader {
  /// What recognises what the built-in recognisers do not know.
  package typealias Further =
    @Sendable (JournalFields) -> (tool: [UInt8], recognition: Recognition)?

  /// Entries that wait for a continuation, or behind one that does, at the most.
  private static let mostHeld = 256
  /// How long a line may wait for its continuation while others go by: tools write theirs at once.
  private static let patience = TimeSpan(microseconds: 200_000)
  /// Bytes of a joined message.
  private static let longestMessage = 256 << 10

  private struct Held {
    var fields: JournalFields
    var cursor: String
    var stored: Timestamp
    /// Nothing is to be added any more.
    var isWhole: Bool
    var number: Int64
    /// Bytes of its last entry's message.
    var lastLength: Int

    static var nothing: Held {
      Held(
        fields: JournalFields(), cursor: "", stored: Timestamp(microseconds: 0), isWhole: true,
        number: 0, lastLength: 0)
    }
  }

  /// A value that most entries share, escaped.
  private struct LastText {
    private var bytes: [UInt8] = []
    private var text = ""

    mutating func text(of bytes: [UInt8]) -> String {
      if bytes != self.bytes {
        self.bytes = bytes
        text = escaped(bytes)
      }
      return text
    }
  }

  private let root: String?
  private let further: Further?
  private var held: [Held] = []
  private var echoes = EchoMemory()
  private var boot = LastText()
  private var machine = LastText()
  private var unit = LastText()
  private var userUnit = LastText()
  private var taken: String?
  /// The last entry of which, and of all before it, the signals were handed on.
  package private(set) var passed: String?

  /// `root`: the tree that is watched, escaped; nil for the host. Signals about another tree are left
  /// out where the line tells it.
  package init(root: String?, further: Further? = nil) {
    self.root = root
    self.further = further
  }

  /// A line waits for its continuation.
  package var holds: Bool { !held.isEmpty }

  /// Takes an entry; the signals that are whole now go to `body`.
  package mutating func take(
    _ fields: consuming JournalFields, cursor: String, stored: Timestamp,
    _ body: (AccessSignal) -> Void
  ) {
    defer {
      taken = cursor
      if held.isEmpty { passed = cursor }
    }
    if !held.isEmpty {
      // Not a copy of the whole entry.
      let first = held[0].stored
      if first + Self.patience < stored {
        release(before: stored - Self.patience, body)
      } else if stored + Self.patience < first {
        // The clock was set back: nothing can be said of how long it waited.
        release(before: nil, body)
      }
    }
    let part = fields.identifiers.count == 1 ? Self.part(fields) : nil
    if let part, let text = part.continuation {
      if let index = place(of: part, fields) {
        append(text, part, fields, to: index)
        return
      }
      // What it continues was let go already.
      if recognize(fields)?.recognition.type != .spoof { return }
    } else {
      for index in held.indices where isSame(held[index], fields) { held[index].isWhole = true }
    }
    if held.isEmpty, part == nil || part?.continuation != nil {
      tell(fields, cursor, stored, body)
      return
    }
    if held.isEmpty { passed = taken }
    held.append(
      Held(
        fields: fields, cursor: cursor, stored: stored,
        isWhole: part == nil || part?.continuation != nil, number: part?.number ?? 0,
        lastLength: fields.message?.count ?? 0))
    if held.count > Self.mostHeld { held[0].isWhole = true }
    letGo(body)
  }

  /// Lets go of what waits: of all, or of what was stored before `limit`.
  package mutating func release(before limit: Timestamp?, _ body: (AccessSignal) -> Void) {
    for index in held.indices where limit.map({ held[index].stored < $0 }) ?? true {
      held[index].isWhole = true
    }
    letGo(body)
  }

  private mutating func letGo(_ body: (AccessSignal) -> Void) {
    var count = 0
    while count < held.count, held[count].isWhole {
      // Exchanged, for a copy would count up all that the entry holds.
      var entry = Held.nothing
      swap(&entry, &held[count])
      tell(entry.fields, entry.cursor, entry.stored, body)
      passed = entry.cursor
      count += 1
    }
    held.removeFirst(count)
    if held.isEmpty, let taken { passed = taken }
  }

  // MARK: Parts

  private static func part(_ fields: JournalFields) -> LinePart? {
    guard let identifier = fields.identifiers.first else { return nil }
    return Recognizers.recognizer(identifier)?.part(fields)
  }

  private func isSame(_ entry: Held, _ fields: JournalFields) -> Bool {
    entry.fields.pid == fields.pid && entry.fields.boot == fields.boot
      && entry.fields.identifiers == fields.identifiers && entry.fields.uid == fields.uid
  }

  private func place(of part: LinePart, _ fields: JournalFields) -> Int? {
    held.lastIndex {
      !$0.isWhole && $0.number == part.number && isSame($0, fields)
    }
  }

  private mutating func append(
    _ text: [UInt8], _ part: LinePart, _ fields: JournalFields, to index: Int
  ) {
    var message = held[index].fields.message ?? []
    if held[index].lastLength < part.blankBelow { message.append(UInt8(ascii: " ")) }
    message += text.prefix(max(0, Self.longestMessage - message.count))
    held[index].fields.message = message
    held[index].lastLength = fields.message?.count ?? 0
    if message.count >= Self.longestMessage { held[index].isWhole = true }
  }

  // MARK: Telling

  private func recognize(_ fields: JournalFields) -> (tool: [UInt8], recognition: Recognition)? {
    Recognizers.recognize(fields) ?? further?(fields)
  }

  private mutating func tell(
    _ fields: JournalFields, _ cursor: String, _ stored: Timestamp, _ body: (AccessSignal) -> Void
  ) {
    guard case (let tool, var recognition)? = recognize(fields) else { return }
    let isOther = recognition.kind != .sudoRule && recognition.type != .spoof
    let hasTree = isOther && AccountToolTrust.knowsTree(tool)
    if hasTree, recognition.root != root { return }
    tell(&recognition, tool, fields, cursor, stored, body)
    for var event in recognition.further { tell(&event, tool, fields, cursor, stored, body) }
  }

  /// Takes the texts out of `event`: to copy them costs more than all else.
  private mutating func tell(
    _ event: inout Recognition, _ tool: [UInt8], _ fields: JournalFields, _ cursor: String,
    _ stored: Timestamp, _ body: (AccessSignal) -> Void
  ) {
    guard echoes.admits(&event, fields, at: stored) else { return }
    // journald's stamp of reception; one that lies after its storing says nothing.
    let source = fields.sourceTime.map { Timestamp(microseconds: $0) } ?? stored
    var signal = AccessSignal(
      cursor: cursor, time: min(source, stored), tool: escaped(tool), type: event.type,
      message: event.message ?? escaped((fields.message ?? []).prefix(4096)),
      trusted: event.trusted)
    signal.boot = boot.text(of: fields.boot)
    signal.machine = machine.text(of: fields.machine)
    signal.pid = fields.pid ?? 0
    signal.uid = fields.uid ?? .max
    signal.loginUID = fields.loginUID
    signal.session = fields.session
    signal.unit = fields.unit.map { unit.text(of: $0) }
    signal.userUnit = fields.userUnit.map { userUnit.text(of: $0) }
    signal.kind = event.kind
    swap(&signal.subject, &event.subject)
    swap(&signal.object, &event.object)
    swap(&signal.right, &event.right)
    swap(&signal.actorUser, &event.actorUser)
    swap(&signal.command, &event.command)
    swap(&signal.members, &event.members)
    swap(&signal.root, &event.root)
    body(signal)
  }
}
