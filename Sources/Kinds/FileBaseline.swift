internal import LinuxKit

/// What is remembered of one file: 32 bits of its own, and its record of owner and attributes.
struct KnownFile: Equatable {
  /// 0 to 11 the mode, 12 a folder, 13 more than one name, 14 the round it was seen in, from 15 on
  /// a part of the birth time's hash.
  var packed: UInt32
  /// The number of its record in the baseline's `AccessTable`.
  var record: UInt32

  init(word: UInt64) {
    packed = UInt32(truncatingIfNeeded: word)
    record = UInt32(truncatingIfNeeded: word >> 32)
  }

  init(_ status: FileStatus, record: UInt32, round: UInt32) {
    self.record = record
    packed = UInt32(status.mode & 0o7777)
    if status.isDirectory { packed |= 1 << 12 }
    if status.links > 1, !status.isDirectory { packed |= 1 << 13 }
    packed |= (round & 1) << 14 | Self.hash(status.birth) << 15
  }

  var word: UInt64 { UInt64(record) << 32 | UInt64(packed) }

  var mode: UInt16 { UInt16(packed & 0o7777) }
  var isDirectory: Bool { packed & 1 << 12 != 0 }
  var hasMoreNames: Bool { packed & 1 << 13 != 0 }
  var round: UInt32 { packed >> 14 & 1 }

  /// False when the inode number was given to another file meanwhile.
  func isSame(as status: FileStatus) -> Bool {
    isDirectory == status.isDirectory && wasBorn(at: status.birth)
  }

  func wasBorn(at birth: Int64) -> Bool { packed >> 15 == Self.hash(birth) }

  private static func hash(_ birth: Int64) -> UInt32 {
    var word = UInt64(bitPattern: birth)
    word = (word ^ word >> 33) &* 0xff51_afd7_ed55_8ccd
    word = (word ^ word >> 33) &* 0xc4ce_b9fe_1a85_ec53
    return UInt32(truncatingIfNeeded: word >> 47)
  }
}

/// What files were last seen with, without their paths: about 45 bytes a file.
struct FileBaseline {
  /// A file system, by its number now and a folder on it, by which the number is found again.
  struct Place: Equatable {
    var device: UInt64
    var path: [UInt8]
  }

  var seed: (UInt64, UInt64)
  var trees: [[UInt8]] = []
  var places: [Place] = []
  /// By the file.
  var files = KeyTable<UInt64>()
  /// Owners and attributes, each that occurs once.
  var records = AccessTable()
  /// By folder and name: the file's key, its lowest bit (always 1 in a key) the round it was seen.
  var names = KeyTable<UInt64>()
  var round: UInt32 = 0

  init() {
    var random = SystemRandomNumberGenerator()
    seed = (random.next(), random.next())
  }

  /// The number of a file system; `path` is a folder on it.
  mutating func place(_ device: UInt64, _ path: @autoclosure () -> [UInt8]) -> Int {
    if let known = place(device) { return known }
    places.append(Place(device: device, path: path()))
    return places.count - 1
  }

  func place(_ device: UInt64) -> Int? { places.firstIndex { $0.device == device } }

  func key(_ place: Int, _ inode: UInt64) -> UInt64 {
    var hash = KeyedHash(seed)
    hash.feed(UInt64(place))
    hash.feed(inode)
    return hash.finish() | 1
  }

  func key(folder: UInt64, birth: Int64, name: [UInt8]) -> UInt64 {
    var hash = KeyedHash(seed)
    hash.feed(folder)
    hash.feed(UInt64(bitPattern: birth))
    hash.feed(name)
    return hash.finish() | 1
  }

  func file(_ key: UInt64) -> KnownFile? { files[key].map(KnownFile.init(word:)) }

  /// Who may do what with a file as it was last seen.
  func access(of file: KnownFile) -> FileAccess {
    let record = records[file.record]
    return FileAccess(
      mode: file.mode, uid: record.uid, gid: record.gid, isDirectory: file.isDirectory,
      record.attributes)
  }

  /// The file that was last seen under a name.
  func file(named name: UInt64) -> UInt64? { names[name].map { $0 | 1 } }

  mutating func remember(
    _ key: UInt64, _ status: FileStatus, _ attributes: AccessAttributes, name: UInt64?
  ) {
    let record = number(
      of: AccessRecord(uid: status.uid, gid: status.gid, attributes: attributes))
    files.set(key, KnownFile(status, record: record, round: round).word)
    if let name { names.set(name, key & ~1 | UInt64(round & 1)) }
  }

  private mutating func number(of record: AccessRecord) -> UInt32 {
    if let number = records.number(of: record) { return number }
    if records.isDue {
      var used = Set<UInt32>()
      files.forEach { used.insert(KnownFile(word: $1).record) }
      records.keep(used)
    }
    return records.add(record)
  }

  /// Changes what is remembered of a file without a look at it.
  mutating func change(_ key: UInt64, _ file: KnownFile, to access: FileAccess) {
    var file = file
    file.packed = file.packed & ~0o7777 | UInt32(access.mode & 0o7777)
    file.record = number(
      of: AccessRecord(uid: access.uid, gid: access.gid, attributes: access.attributes))
    files.set(key, file.word)
  }

  /// Forgets what was not seen since `round` was last turned.
  mutating func forgetUnseen() {
    let round = self.round & 1
    files.keep { KnownFile(word: $0).round == round }
    names.keep { UInt32($0 & 1) == round }
  }
}
