/** SNS refuses a subject of 100 characters or more. https://docs.aws.amazon.com/sns/latest/api/API_Publish.html */
export const MAX_SUBJECT_CHARS = 99;
