"""The pages, one file a subject. Each route reads one listener's rows and renders a template."""
