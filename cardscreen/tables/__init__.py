"""Raw: any file or frame becomes a LazyFrame of cells."""
