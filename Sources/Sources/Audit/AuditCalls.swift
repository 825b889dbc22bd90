internal import Grants

/// System calls that change who may do what, by architecture and number: the kernel's syscall_64.tbl
/// (x86_64), syscall_32.tbl (i386) and asm-generic/unistd.h (aarch64). 452 (fchmodat2), 463
/// (setxattrat) and 466 (removexattrat) are the same everywhere.
enum AuditCall {
  case mode, owner, attribute, rename

  static func named(arch: UInt64, number: UInt64) -> AuditCall? {
    switch number {
    case 452: return .mode
    case 463, 466: return .attribute
    default: break
    }
    switch arch {
    case 0xc000_003e:
      switch number {
      case 90, 91, 268: return .mode
      case 92, 93, 94, 260: return .owner
      case 188, 189, 190, 197, 198, 199: return .attribute
      case 82, 264, 316: return .rename
      default: return nil
      }
    case 0xc000_00b7:
      switch number {
      case 52, 53: return .mode
      case 54, 55: return .owner
      case 5, 6, 7, 14, 15, 16: return .attribute
      case 38, 276: return .rename
      default: return nil
      }
    case 0x4000_0003:
      switch number {
      case 15, 94, 306: return .mode
      case 16, 95, 182, 198, 207, 212, 298: return .owner
      case 226, 227, 228, 235, 236, 237: return .attribute
      case 38, 302, 353: return .rename
      default: return nil
      }
    default: return nil
    }
  }

  /// Of an extended attribute the record tells neither name nor value: an ACL, a capability or
  /// neither.
  var kind: GrantKind? {
    switch self {
    case .mode: .fileMode
    case .owner: .fileOwner
    case .attribute, .rename: nil
    }
  }
}
