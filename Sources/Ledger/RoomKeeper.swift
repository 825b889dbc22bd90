internal import Glibc
internal import LinuxKit

/// Keeps room on the disk for essential records: allocated beyond the end of the segment, or, where
/// the file system cannot do that, in a file that is given up when the disk is full.
struct RoomKeeper {
  private enum Means { case allocation, file }

  private static let reserveName = "reserve"

  private let directory: DurableDirectory
  private let reserve: Int64
  private let step: Int64
  private var means = Means.allocation
  /// Up to where room is allocated.
  private var allocated: Int64 = 0
  /// The reserve was given up for records that are not written yet.
  private var isGiven = false
  /// The reserve was there when it was last asked for.
  private(set) var isKept = false

  init(directory: DurableDirectory, reserve: Int64, step: Int64) {
    self.directory = directory
    self.reserve = reserve
    self.step = step
  }

  /// Keeps the reserve beyond `end` of `file`; false when the disk has no room for that.
  @discardableResult
  mutating func keep(_ file: any AppendFile, beyond end: Int64) -> Bool {
    isKept = means == .allocation ? allocate(file, end + reserve) : keepFile()
    return isKept
  }

  private mutating func allocate(_ file: any AppendFile, _ end: Int64) -> Bool {
    guard allocated < end else { return true }
    for wanted in [end + step, end] {
      do throws(SystemError) {
        try file.preallocate(to: wanted)
        allocated = wanted
        return true
      } catch {
        if error.code == EOPNOTSUPP || error.code == ENOSYS {
          means = .file
          return keepFile()
        }
      }
    }
    return false
  }

  private func keepFile() -> Bool {
    if directory.contains(Self.reserveName) { return true }
    guard !isGiven, directory.freeBytes > 2 * reserve else { return false }
    let zeros = [UInt8](repeating: 0, count: Int(reserve))
    return (try? directory.write(Self.reserveName, zeros)) != nil
  }

  /// What was allocated may be gone: it is asked for again.
  mutating func forget() { allocated = 0 }

  /// The records that a reserve was given up for are on the disk.
  mutating func written() { isGiven = false }

  /// Gives the reserve up for essential records; false when there is none to give.
  mutating func giveReserve() -> Bool {
    guard means == .file, directory.contains(Self.reserveName) else { return false }
    isKept = false
    isGiven = true
    return (try? directory.remove(Self.reserveName)) != nil
  }
}
