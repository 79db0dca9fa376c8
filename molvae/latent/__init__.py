"""What one does with codes: walk between molecules, find neighbours, complete, edit, map, judge, repair."""
