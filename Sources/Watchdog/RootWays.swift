import Grants
import Kinds

extension Engine {
  /// How somebody can become root here when `excluded` is gone, one way a line (law 9).
  func rootWays(without excluded: Set<ItemKey>) -> [String] {
    groupState.map(groupMembers.waysIn) ?? []
  }
}
