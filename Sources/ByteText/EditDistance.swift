/// The candidate nearest to `word` by edit distance, if it is near enough to be a slip of the pen
/// (at most a third of the word's length, at least one edit); case counts for nothing.
package func nearest(to word: String, among candidates: some Sequence<String>) -> String? {
  let lower = word.lowercased()
  let limit = max(1, lower.utf8.count / 3)
  var best: (String, Int)?
  for candidate in candidates {
    let distance = editDistance(Array(lower.utf8), Array(candidate.lowercased().utf8))
    if distance <= limit, distance < best?.1 ?? .max { best = (candidate, distance) }
  }
  return best?.0
}

/// Insertions, deletions, replacements and swaps of neighbours between two words.
private func editDistance(_ left: [UInt8], _ right: [UInt8]) -> Int {
  var beforeLast: [Int] = []
  var last = Array(0...right.count)
  for row in left.indices {
    var current = [row + 1]
    for column in right.indices {
      let same = left[row] == right[column]
      var best = min(
        last[column + 1] + 1, current[column] + 1, last[column] + (same ? 0 : 1))
      if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
        best = min(best, beforeLast[column - 1] + 1)
      }
      current.append(best)
    }
    beforeLast = last
    last = current
  }
  return last[right.count]
}
