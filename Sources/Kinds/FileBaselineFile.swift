internal import ByteText
package import LinuxKit

/// Why a saved baseline could not be written or read.
package enum FileBaselineError: Error, Equatable, CustomStringConvertible {
  /// It is not what was saved; it must not be used.
  case damaged(String)
  case system(SystemError)

  package var description: String {
    switch self {
    case .damaged(let reason): "read file baseline: \(reason)"
    case .system(let error): error.description
    }
  }
}

/// The form on disk: `GWFILES2`, numbers with the little end first, the SHA-256 of all before it.
extension FileBaseline {
  private static let magic = Array("GWFILES2".utf8)

  func save(to path: [UInt8]) throws(FileBaselineError) {
    do throws(SystemError) {
      var out = NumberWriter(try AtomicFile(replacing: path), Self.magic)
      try out.put(seed.0)
      try out.put(seed.1)
      try out.put(round)
      try out.put(UInt32(trees.count))
      for tree in trees { try out.put(bytes: tree) }
      try out.put(UInt32(places.count))
      for place in places {
        try out.put(place.device)
        try out.put(bytes: place.path)
      }
      try out.put(UInt32(records.records.count))
      for record in records.records {
        let attributes = record?.attributes ?? AccessAttributes()
        try out.put(record?.uid ?? .max)
        try out.put(record?.gid ?? .max)
        try out.put(bytes: attributes.accessList)
        try out.put(bytes: attributes.defaultList)
        try out.put(bytes: attributes.capability)
      }
      try out.put(UInt64(files.count))
      try files.forEach { (key, value) throws(SystemError) in
        try out.put(key)
        try out.put(value)
      }
      try out.put(UInt64(names.count))
      try names.forEach { (key, value) throws(SystemError) in
        try out.put(key)
        try out.put(value)
      }
      try out.finish()
    } catch { throw .system(error) }
  }

  private enum Loaded {
    case nothing
    case damaged(String)
    case baseline(FileBaseline)
  }

  /// Nil when nothing was saved there.
  static func load(from path: [UInt8]) throws(FileBaselineError) -> FileBaseline? {
    let loaded: Loaded
    do throws(SystemError) { loaded = try read(path) } catch { throw .system(error) }
    switch loaded {
    case .nothing: return nil
    case .damaged(let reason): throw .damaged(reason)
    case .baseline(let baseline): return baseline
    }
  }

  private static func read(_ path: [UInt8]) throws(SystemError) -> Loaded {
    guard let file = try SequentialFile.open(path) else { return .nothing }
    guard file.size >= magic.count + 32 else { return .damaged("not a baseline") }
    var cursor = NumberCursor(file)
    guard try cursor.bytes(magic.count) == magic else { return .damaged("not a baseline") }
    let baseline = try FileBaseline(&cursor)
    // What was read counts only with its checksum.
    guard try cursor.isWhole() else { return .damaged("wrong checksum") }
    guard let baseline, cursor.left == 0 else { return .damaged("cut short") }
    return .baseline(baseline)
  }

  private init?(_ cursor: inout NumberCursor) throws(SystemError) {
    guard let first = try cursor.number(UInt64.self), let second = try cursor.number(UInt64.self),
      let round = try cursor.number(UInt32.self), let trees = try cursor.count(UInt32.self, of: 4)
    else { return nil }
    self.init()
    seed = (first, second)
    self.round = round
    for _ in 0..<trees {
      guard let tree = try cursor.bytes() else { return nil }
      self.trees.append(tree)
    }
    guard let places = try cursor.count(UInt32.self, of: 12) else { return nil }
    for _ in 0..<places {
      guard let device = try cursor.number(UInt64.self), let path = try cursor.bytes() else {
        return nil
      }
      self.places.append(Place(device: device, path: path))
    }
    guard let records = try cursor.count(UInt32.self, of: 20) else { return nil }
    for _ in 0..<records {
      guard let uid = try cursor.number(UInt32.self), let gid = try cursor.number(UInt32.self),
        let access = try cursor.bytes(), let defaults = try cursor.bytes(),
        let capability = try cursor.bytes()
      else { return nil }
      var attributes = AccessAttributes()
      attributes.accessList = access
      attributes.defaultList = defaults
      attributes.capability = capability
      self.records.append(AccessRecord(uid: uid, gid: gid, attributes: attributes))
    }
    guard let files = try cursor.count(UInt64.self, of: 16) else { return nil }
    self.files = KeyTable(room: files)
    for _ in 0..<files {
      guard let key = try cursor.number(UInt64.self), key != 0,
        let value = try cursor.number(UInt64.self)
      else { return nil }
      self.files.set(key, value)
    }
    guard let names = try cursor.count(UInt64.self, of: 16) else { return nil }
    self.names = KeyTable(room: names)
    for _ in 0..<names {
      guard let key = try cursor.number(UInt64.self), key != 0,
        let value = try cursor.number(UInt64.self)
      else { return nil }
      self.names.set(key, value)
    }
  }
}

private struct NumberWriter: ~Copyable {
  private let file: AtomicFile
  private var hash = SHA256()
  private var bytes: [UInt8]

  init(_ file: consuming AtomicFile, _ magic: [UInt8]) {
    self.file = file
    bytes = magic
  }

  mutating func put(_ number: some FixedWidthInteger) throws(SystemError) {
    withUnsafeBytes(of: number.littleEndian) { bytes.append(contentsOf: $0) }
    if bytes.count >= 65_536 { try flush() }
  }

  mutating func put(bytes more: [UInt8]) throws(SystemError) {
    try put(UInt32(more.count))
    bytes += more
  }

  private mutating func flush() throws(SystemError) {
    hash.update(bytes)
    try file.write(bytes)
    bytes.removeAll(keepingCapacity: true)
  }

  consuming func finish() throws(SystemError) {
    try flush()
    try file.write(hash.finish())
    try file.commit()
  }
}

/// Reads numbers from a file piece by piece, and the checksum of all of them.
private struct NumberCursor: ~Copyable {
  private let file: SequentialFile
  private var piece: [UInt8] = []
  private var at = 0
  private var hash = SHA256()
  /// Bytes before the checksum that were not asked for yet.
  private(set) var left: Int
  /// Those of them that are not in `piece`.
  private var unread: Int

  init(_ file: consuming SequentialFile) {
    left = file.size - 32
    unread = left
    self.file = file
  }

  /// Makes `size` bytes available; false when there are not so many.
  private mutating func fill(_ size: Int) throws(SystemError) -> Bool {
    guard left >= size else { return false }
    while piece.count - at < size {
      piece.removeFirst(at)
      at = 0
      guard try readOn() else { return false }
    }
    return true
  }

  private mutating func readOn() throws(SystemError) -> Bool {
    let more = try file.read(min(unread, 1 << 18))
    guard !more.isEmpty else { return false }
    unread -= more.count
    hash.update(more)
    piece += more
    return true
  }

  mutating func number<Number: FixedWidthInteger>(_: Number.Type) throws(SystemError) -> Number? {
    let size = Number.bitWidth / 8
    guard try fill(size) else { return nil }
    let start = at
    at += size
    left -= size
    return piece.withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: Number.self))
    }
  }

  /// How many things of at least `size` bytes follow; nil when they cannot all be there.
  mutating func count<Number: FixedWidthInteger & UnsignedInteger>(
    _: Number.Type, of size: Int
  ) throws(SystemError) -> Int? {
    guard let count = try number(Number.self), count <= left / size else { return nil }
    return Int(count)
  }

  mutating func bytes() throws(SystemError) -> [UInt8]? {
    guard let length = try count(UInt32.self, of: 1) else { return nil }
    return try bytes(length)
  }

  mutating func bytes(_ length: Int) throws(SystemError) -> [UInt8]? {
    guard try fill(length) else { return nil }
    defer {
      at += length
      left -= length
    }
    return Array(piece[at..<(at + length)])
  }

  /// Reads to the end; true when the checksum is that of all before it.
  mutating func isWhole() throws(SystemError) -> Bool {
    while unread > 0 {
      piece = []
      at = 0
      guard try readOn() else { return false }
    }
    var sum: [UInt8] = []
    while sum.count < 32 {
      let more = try file.read(32 - sum.count)
      guard !more.isEmpty else { return false }
      sum += more
    }
    return sum == hash.finish()
  }
}
