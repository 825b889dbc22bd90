internal import LinuxKit

/// A file of the chain.
struct Segment {
  var name: String
  /// The number in its name, which its first line has.
  var first: Int64
  /// The end of its last good line.
  var end: Int64 = 0
}

/// Where a line begins, so that a reading from there on need not begin with its segment.
struct Place {
  static let distance: Int64 = 64 << 10

  var seq: Int64
  /// Index in the ledger's segments.
  var segment: Int
  var offset: Int64

  /// True when a line at `offset` of `segment` lies far enough behind `last`.
  static func isWorthIt(_ segment: Int, _ offset: Int64, after last: Place?) -> Bool {
    guard let last, last.segment == segment else { return true }
    return offset - last.offset >= distance
  }
}

/// What a walk over the whole chain found.
struct ChainScan {
  /// The chain up to and with one line.
  struct State {
    var records: Int64 = 0
    var lastSeq: Int64 = 0
    var head = LedgerLine.genesis
    /// Index in `segments` of the last line's segment, and where in it the line begins and ends.
    var segment = -1
    var start: Int64 = 0
    var end: Int64 = 0
  }

  /// Where the chain ends because what follows does not verify.
  struct Break {
    /// Index in `segments`.
    var segment: Int
    /// All from here on is not part of the chain.
    var offset: Int64
    var reason: String
    /// Cut off by a crash in the middle of a write, not changed afterwards.
    var torn = false
  }

  /// Every segment there is, oldest first; `end` is right up to the break.
  private(set) var segments: [Segment] = []
  private(set) var state = State()
  private(set) var found: Break?
  /// Where a line begins about every `Place.distance` bytes.
  private(set) var places: [Place] = []
  /// The chain at each line whose number was asked for.
  private(set) var marks: [Int64: State] = [:]

  private let layout: StateLayout
  private let wanted: Set<Int64>
  /// The chain without its last line.
  private var before = State()

  /// Walks over the chain in `layout`; the states at the lines `wanted` are kept.
  ///
  /// A line is taken when the next one carries its hash, the last one when its own sum fits.
  init(_ layout: StateLayout, wanted: Set<Int64> = []) throws(SystemError) {
    self.layout = layout
    self.wanted = wanted
    for name in try layout.segmentNames() {
      let first = StateLayout.number(name, StateLayout.segmentSuffix) ?? 0
      segments.append(Segment(name: name, first: first))
    }
    for index in segments.indices where found == nil { try walk(index) }
    if found == nil, state.records > 0 {
      let fits = try lastLineFits()
      if !fits { rejectLastLine("the sum of the last line does not fit") }
    }
    for index in segments.indices where index > state.segment { segments[index].end = 0 }
    if segments.indices.contains(state.segment) { segments[state.segment].end = state.end }
    marks = marks.filter { $0.key <= state.lastSeq }
  }

  private mutating func walk(_ index: Int) throws(SystemError) {
    var reader = try LineReader(path: layout.ledger.path(of: segments[index].name))
    var expected = segments[index].first
    var offset: Int64 = 0
    while let line = try reader.next() {
      let header = line.whole ? LineHeader(line.bytes) : nil
      guard let header, header.seq == expected, expected > state.lastSeq,
        header.prev.elementsEqual(state.head), line.bytes.count < LedgerLine.longest
      else {
        let isLast = index == segments.count - 1
        let unfinished = !line.whole && line.bytes.count < LedgerLine.longest
        var torn = isLast && unfinished
        if isLast, !torn { torn = try reader.hasEmptySector(from: line.offset) }
        found = Break(
          segment: index, offset: line.offset,
          reason: torn
            ? "unfinished line" : reason(header, whole: line.whole, expected: expected), torn: torn)
        if state.records > 0 { try judgeLastLine(before: line, header, expected: expected) }
        return
      }
      if Place.isWorthIt(index, line.offset, after: places.last) {
        places.append(Place(seq: expected, segment: index, offset: line.offset))
      }
      before = state
      state.records += 1
      state.lastSeq = expected
      state.head = LedgerLine.hash(line.bytes)
      state.segment = index
      state.start = line.offset
      state.end = line.offset + Int64(line.bytes.count) + 1
      segments[index].end = state.end
      offset = state.end
      if wanted.contains(expected) { marks[expected] = state }
      expected += 1
    }
    if offset == 0, expected <= state.lastSeq {
      found = Break(segment: index, offset: 0, reason: "segment out of order")
    }
  }

  private func reason(_ header: LineHeader?, whole: Bool, expected: Int64) -> String {
    guard whole else { return "line too long" }
    guard let header else { return "not a line of the ledger" }
    return header.seq != expected
      ? "line \(header.seq) where line \(expected) should be"
      : "line \(expected) does not carry the hash of the line before"
  }

  /// Takes the last good line back when the line after it throws doubt on it: its own sum does not
  /// fit, or nothing but a change of its bytes explains why the next line has another hash.
  private mutating func judgeLastLine(
    before line: LineReader.Line, _ header: LineHeader?, expected: Int64
  ) throws(SystemError) {
    let fits = try lastLineFits()
    guard fits else { return rejectLastLine("the sum of a line does not fit") }
    guard let header, header.seq == expected, !header.prev.elementsEqual(state.head),
      LedgerLine.sumFits(line.bytes)
    else { return }
    if expected == state.lastSeq + 1 { rejectLastLine("a line was changed") }
  }

  private mutating func rejectLastLine(_ reason: String) {
    found = Break(segment: state.segment, offset: state.start, reason: reason)
    state = before
  }

  /// Checks the last line by its own sum: it is read once more.
  private func lastLineFits() throws(SystemError) -> Bool {
    var reader = try LineReader(
      path: layout.ledger.path(of: segments[state.segment].name), from: state.start, to: state.end)
    return try reader.next().map { LedgerLine.sumFits($0.bytes) } ?? false
  }
}
