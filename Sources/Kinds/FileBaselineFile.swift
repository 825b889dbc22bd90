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

/// The form on disk: `GWFILES1`, numbers with the little end first, the SHA-256 of all before it.
extension FileBaseline {
  private static let magic = Array("GWFILES1".utf8)

  func save(to path: [UInt8]) throws(FileBaselineError) {
    do throws(SystemError) {
      var out = NumberWriter(try AtomicFile(replacing: path), Self.magic)
      try out.put(seed.0)
      try out.put(seed.1)
      try out.put(round)
      try out.put(UInt32(trees.count))
      for tree in trees { try out.put(path: tree) }
      try out.put(UInt32(places.count))
      for place in places {
        try out.put(place.device)
        try out.put(path: place.path)
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

  /// Nil when nothing was saved there.
  static func load(from path: [UInt8]) throws(FileBaselineError) -> FileBaseline? {
    let read: [UInt8]?
    do throws(SystemError) { read = try AtomicFile.read(path, limit: 1 << 32) } catch {
      throw .system(error)
    }
    guard let bytes = read else { return nil }
    guard bytes.count >= magic.count + 32, bytes.starts(with: magic) else {
      throw .damaged("not a baseline")
    }
    guard SHA256.digest(bytes.dropLast(32)) == Array(bytes.suffix(32)) else {
      throw .damaged("wrong checksum")
    }
    var cursor = NumberCursor(bytes.dropFirst(magic.count).dropLast(32))
    guard let baseline = FileBaseline(&cursor), cursor.isAtEnd else { throw .damaged("cut short") }
    return baseline
  }

  private init?(_ cursor: inout NumberCursor) {
    guard let first = cursor.number(UInt64.self), let second = cursor.number(UInt64.self),
      let round = cursor.number(UInt32.self), let trees = cursor.count(UInt32.self, of: 4)
    else { return nil }
    self.init()
    seed = (first, second)
    self.round = round
    for _ in 0..<trees {
      guard let tree = cursor.path() else { return nil }
      self.trees.append(tree)
    }
    guard let places = cursor.count(UInt32.self, of: 12) else { return nil }
    for _ in 0..<places {
      guard let device = cursor.number(UInt64.self), let path = cursor.path() else { return nil }
      self.places.append(Place(device: device, path: path))
    }
    guard let files = cursor.count(UInt64.self, of: 12) else { return nil }
    self.files = KeyTable(room: files)
    for _ in 0..<files {
      guard let key = cursor.number(UInt64.self), key != 0, let value = cursor.number(UInt32.self)
      else { return nil }
      self.files.set(key, value)
    }
    guard let names = cursor.count(UInt64.self, of: 16) else { return nil }
    self.names = KeyTable(room: names)
    for _ in 0..<names {
      guard let key = cursor.number(UInt64.self), key != 0, let value = cursor.number(UInt64.self)
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

  mutating func put(path: [UInt8]) throws(SystemError) {
    try put(UInt32(path.count))
    bytes += path
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

private struct NumberCursor {
  private let bytes: ArraySlice<UInt8>
  private var at: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    at = bytes.startIndex
  }

  var isAtEnd: Bool { at == bytes.endIndex }

  mutating func number<Number: FixedWidthInteger>(_: Number.Type) -> Number? {
    let size = Number.bitWidth / 8
    guard bytes.endIndex - at >= size else { return nil }
    let start = at - bytes.startIndex
    at += size
    return bytes.withUnsafeBytes {
      Number(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: Number.self))
    }
  }

  /// How many things of at least `size` bytes follow; nil when they cannot all be there.
  mutating func count<Number: FixedWidthInteger & UnsignedInteger>(
    _: Number.Type, of size: Int
  ) -> Int? {
    guard let count = number(Number.self), count <= (bytes.endIndex - at) / size else { return nil }
    return Int(count)
  }

  mutating func path() -> [UInt8]? {
    guard let length = count(UInt32.self, of: 1) else { return nil }
    defer { at += length }
    return Array(bytes[at..<(at + length)])
  }
}
